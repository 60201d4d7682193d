//! What a text consists of.

use crate::keyword::Keyword;

/// Where something stands in its text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Span {
    /// Of its first byte.
    pub start: u32,
    /// After its last byte.
    pub end: u32,
}

impl Span {
    pub(crate) const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// That part of the text; empty if it is another text's span.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The smallest part of a statement. Blanks and comments are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands, with its quotes.
    pub span: Span,
}

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A word of the grammar; many of them may be names too.
    Keyword(Keyword),
    /// A name without quotes.
    Identifier,
    /// `"a name"`
    QuotedName,
    /// `""`, which may name a column, nothing else.
    EmptyName,
    /// `'text'` or `$$text$$`
    String,
    /// `-1`; the minus is part of it.
    Integer,
    /// `1.5`, `1e3`, `NaN`, `-Infinity`
    Float,
    /// `true`, `false`
    Boolean,
    /// `1h30m`, `P1Y2M`
    Duration,
    /// `123e4567-e89b-12d3-a456-426614174000`
    Uuid,
    /// `0xCAFE`
    Blob,
    /// `?`
    Question,
    /// `..`
    Range,
    /// `expr(`, which is one token to Cassandra.
    Expr,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `:`
    Colon,
    /// `;`
    Semicolon,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Plus,
    /// `+=`
    PlusEqual,
    /// `-`
    Minus,
    /// `-=`
    MinusEqual,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// What it is called in errors. Never what a literal holds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword(keyword) => keyword.as_str(),
            Self::Identifier => "a name",
            Self::QuotedName => "a quoted name",
            Self::EmptyName => "an empty name",
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Float => "a number",
            Self::Boolean => "a boolean",
            Self::Duration => "a duration",
            Self::Uuid => "a UUID",
            Self::Blob => "a blob",
            Self::Question => "`?`",
            Self::Range => "`..`",
            Self::Expr => "`expr(`",
            Self::Open => "`(`",
            Self::Close => "`)`",
            Self::OpenBracket => "`[`",
            Self::CloseBracket => "`]`",
            Self::OpenBrace => "`{`",
            Self::CloseBrace => "`}`",
            Self::Comma => "`,`",
            Self::Dot => "`.`",
            Self::Colon => "`:`",
            Self::Semicolon => "`;`",
            Self::Equal => "`=`",
            Self::NotEqual => "`!=`",
            Self::Less => "`<`",
            Self::LessOrEqual => "`<=`",
            Self::Greater => "`>`",
            Self::GreaterOrEqual => "`>=`",
            Self::Plus => "`+`",
            Self::PlusEqual => "`+=`",
            Self::Minus => "`-`",
            Self::MinusEqual => "`-=`",
            Self::Star => "`*`",
            Self::Slash => "`/`",
            Self::Percent => "`%`",
            Self::End => "the end of the text",
        }
    }

    /// Whether a value stands in the text itself.
    #[must_use]
    pub const fn is_literal(self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Integer
                | Self::Float
                | Self::Boolean
                | Self::Duration
                | Self::Uuid
                | Self::Blob
        )
    }
}
