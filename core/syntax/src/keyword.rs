//! The words that the grammar knows.

/// Where else a keyword may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nowhere: as a name it has to be quoted.
    Reserved,
    /// As any name.
    Name,
    /// As any name but a type's: it is a native type itself.
    Type,
    /// As any name but a function's: with parentheses it means something of its own.
    Column,
}

/// The longest keyword, `COLUMNFAMILIES`.
const LONGEST: usize = 14;
/// Sparse, so that most names that are no keyword are told by one look.
const SLOTS: usize = 1024;

macro_rules! keywords {
    ($($use:ident: $($keyword:ident = $first:literal $(| $also:literal)*),+;)+) => {
        /// A keyword, whatever its case in the text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Keyword {
            $($(#[doc = concat!("`", $first, "`")] $keyword,)+)+
        }

        impl Keyword {
            /// As the grammar writes it, in capitals.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$keyword => $first,)+)+
                }
            }

            pub(crate) const fn may_be(self) -> Use {
                match self {
                    $($(Self::$keyword => Use::$use,)+)+
                }
            }
        }

        /// Each spelling; `TABLE` has two.
        const SPELLINGS: &[(&str, Keyword)] =
            &[$($(($first, Keyword::$keyword), $(($also, Keyword::$keyword),)*)+)+];
    };
}

keywords! {
    Reserved:
        Select = "SELECT", From = "FROM", Where = "WHERE", And = "AND", Entries = "ENTRIES",
        Full = "FULL", Insert = "INSERT", Update = "UPDATE", With = "WITH", Limit = "LIMIT",
        Using = "USING", Use = "USE", Set = "SET", Begin = "BEGIN", Unlogged = "UNLOGGED",
        Batch = "BATCH", Apply = "APPLY", Truncate = "TRUNCATE", Delete = "DELETE", In = "IN",
        Create = "CREATE", Schema = "SCHEMA", Keyspace = "KEYSPACE",
        Table = "TABLE" | "COLUMNFAMILY", Materialized = "MATERIALIZED", View = "VIEW",
        Index = "INDEX", On = "ON", To = "TO", Drop = "DROP", Primary = "PRIMARY", Into = "INTO",
        Alter = "ALTER", Rename = "RENAME", Add = "ADD", Order = "ORDER", By = "BY", Asc = "ASC",
        Desc = "DESC", Allow = "ALLOW", If = "IF", Is = "IS", Grant = "GRANT", Of = "OF",
        Revoke = "REVOKE", Modify = "MODIFY", Authorize = "AUTHORIZE", Describe = "DESCRIBE",
        Execute = "EXECUTE", Norecursive = "NORECURSIVE", Token = "TOKEN", Null = "NULL",
        Not = "NOT", Or = "OR";
    Name:
        As = "AS", Keys = "KEYS", Per = "PER", Partition = "PARTITION", Keyspaces = "KEYSPACES",
        Tables = "TABLES" | "COLUMNFAMILIES", Custom = "CUSTOM", Values = "VALUES", Type = "TYPE",
        Types = "TYPES", Compact = "COMPACT", Storage = "STORAGE", Filtering = "FILTERING",
        Contains = "CONTAINS", Group = "GROUP", Cluster = "CLUSTER", Internals = "INTERNALS",
        Only = "ONLY", All = "ALL", Permission = "PERMISSION", Permissions = "PERMISSIONS",
        Mbean = "MBEAN", Mbeans = "MBEANS", User = "USER", Users = "USERS", Role = "ROLE",
        Roles = "ROLES", Superuser = "SUPERUSER", Nosuperuser = "NOSUPERUSER",
        Password = "PASSWORD", Hashed = "HASHED", Login = "LOGIN", Nologin = "NOLOGIN",
        Options = "OPTIONS", Access = "ACCESS", Datacenters = "DATACENTERS", Cidrs = "CIDRS",
        Identity = "IDENTITY", Clustering = "CLUSTERING", Exists = "EXISTS", Map = "MAP",
        List = "LIST", Tuple = "TUPLE", Trigger = "TRIGGER", Static = "STATIC", Frozen = "FROZEN",
        Function = "FUNCTION", Functions = "FUNCTIONS", Aggregate = "AGGREGATE",
        Aggregates = "AGGREGATES", Sfunc = "SFUNC", Stype = "STYPE", Finalfunc = "FINALFUNC",
        Initcond = "INITCOND", Returns = "RETURNS", Called = "CALLED", Input = "INPUT",
        Language = "LANGUAGE", Replace = "REPLACE", Default = "DEFAULT", Unset = "UNSET",
        Like = "LIKE", Masked = "MASKED", Unmask = "UNMASK", SelectMasked = "SELECT_MASKED",
        Vector = "VECTOR", Ann = "ANN";
    Type:
        Timestamp = "TIMESTAMP", Ascii = "ASCII", Bigint = "BIGINT", Blob = "BLOB",
        Boolean = "BOOLEAN", Counter = "COUNTER", Decimal = "DECIMAL", Double = "DOUBLE",
        Duration = "DURATION", Float = "FLOAT", Inet = "INET", Int = "INT", Smallint = "SMALLINT",
        Tinyint = "TINYINT", Text = "TEXT", Uuid = "UUID", Varchar = "VARCHAR", Varint = "VARINT",
        Timeuuid = "TIMEUUID", Date = "DATE", Time = "TIME";
    Column:
        Key = "KEY", Distinct = "DISTINCT", Count = "COUNT", Ttl = "TTL", Cast = "CAST",
        Writetime = "WRITETIME", Maxwritetime = "MAXWRITETIME", Json = "JSON";
}

/// Position in [`SPELLINGS`] plus one, by hash, with linear probing. Made by the compiler.
static TABLE: [u8; SLOTS] = table();

const fn table() -> [u8; SLOTS] {
    let mut table = [0; SLOTS];
    let mut index = 0;
    while index < SPELLINGS.len() {
        let mut slot = slot(SPELLINGS[index].0.as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 255 keywords")]
        {
            table[slot] = (index + 1) as u8;
        }
        index += 1;
    }
    table
}

/// Looks at three letters, in small ones, and at the length.
const fn slot(word: &[u8]) -> usize {
    const fn letter(word: &[u8], at: usize) -> usize {
        (word[at] | 0x20) as usize
    }
    let (middle, last) = (word.len() / 2, word.len() - 1);
    (letter(word, 0) * 31 + letter(word, middle) * 167 + letter(word, last) * 7 + word.len() * 97)
        % SLOTS
}

impl Keyword {
    /// The keyword that a word is, whatever its case.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::of_bytes(word.as_bytes())
    }

    pub(crate) fn of_bytes(word: &[u8]) -> Option<Self> {
        if word.len() < 2 || word.len() > LONGEST {
            return None;
        }
        let mut slot = slot(word);
        loop {
            let index = usize::from(*TABLE.get(slot)?).checked_sub(1)?;
            let (spelling, keyword) = SPELLINGS.get(index)?;
            if spelling.as_bytes().eq_ignore_ascii_case(word) {
                return Some(*keyword);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Whether a name that is spelled like it has to be quoted.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.may_be(), Use::Reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_is_found_in_any_case() {
        for (spelling, keyword) in SPELLINGS {
            assert_eq!(Keyword::of(spelling), Some(*keyword));
            assert_eq!(Keyword::of(&spelling.to_ascii_lowercase()), Some(*keyword));
            assert_eq!(Keyword::of(&format!("{spelling}x")), None);
            assert!(spelling.len() <= LONGEST);
        }
        for word in ["", "a", "user_id", "selec", "selects", "seléct", "\0\0"] {
            assert_eq!(Keyword::of(word), None, "{word}");
        }
    }

    #[test]
    fn names_that_are_no_keyword_are_told_by_few_looks() {
        let crowded =
            (0..SLOTS).filter(|&slot| (0..4).all(|next| TABLE[(slot + next) % SLOTS] != 0));
        assert!(crowded.count() < SLOTS / 20);
    }
}
