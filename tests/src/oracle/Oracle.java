import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;

import org.antlr.runtime.ANTLRStringStream;
import org.antlr.runtime.BaseRecognizer;
import org.antlr.runtime.CommonToken;
import org.antlr.runtime.RecognitionException;
import org.antlr.runtime.Token;
import org.apache.cassandra.cql3.CQLFragmentParser;
import org.apache.cassandra.cql3.CQLStatement;
import org.apache.cassandra.cql3.CqlLexer;
import org.apache.cassandra.cql3.CqlParser;
import org.apache.cassandra.cql3.ErrorListener;
import org.apache.cassandra.cql3.VariableSpecifications;

/**
 * Answers what Cassandra's own lexer and parser make of a text, without a server.
 *
 * Asked on standard input: one byte ('P' parse, 'L' lex), a length (4 bytes), that many bytes of
 * UTF-8. Answered on standard output: a length and UTF-8.
 *   P: "ok KIND MARKERS" or "no REASON".
 *   L: the tokens, one a line: "TYPE START STOP" (in UTF-16 units), and "error" where it has none.
 */
public final class Oracle
{
    public static void main(String[] arguments) throws Exception
    {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
        // What a library prints must not come between the answers.
        System.setOut(System.err);
        while (true)
        {
            int mode;
            byte[] text;
            try
            {
                mode = in.readUnsignedByte();
                text = new byte[in.readInt()];
                in.readFully(text);
            }
            catch (EOFException end)
            {
                return;
            }
            String cql = new String(text, StandardCharsets.UTF_8);
            byte[] answer = (mode == 'L' ? lex(cql) : parse(cql)).getBytes(StandardCharsets.UTF_8);
            out.writeInt(answer.length);
            out.write(answer);
            if (in.available() == 0)
                out.flush();
        }
    }

    private static String parse(String cql)
    {
        try
        {
            CQLStatement.Raw statement = CQLFragmentParser.parseAnyUnhandled(CqlParser::query, cql);
            if (statement == null)
                return "no statement";
            return "ok " + kind(statement) + ' ' + markers(statement);
        }
        catch (StackOverflowError tooDeep)
        {
            return "no StackOverflowError";
        }
        catch (Throwable refused)
        {
            return "no " + refused.getClass().getSimpleName() + ": " + refused.getMessage();
        }
    }

    private static String kind(CQLStatement.Raw statement)
    {
        Class<?> type = statement.getClass();
        Class<?> outer = type.getEnclosingClass();
        return outer == null ? type.getSimpleName() : outer.getSimpleName() + '.' + type.getSimpleName();
    }

    private static int markers(CQLStatement.Raw statement) throws Exception
    {
        Field field = CQLStatement.Raw.class.getDeclaredField("bindVariables");
        field.setAccessible(true);
        Object variables = field.get(statement);
        return variables == null ? 0 : ((VariableSpecifications) variables).getBindVariables().size();
    }

    private static String lex(String cql)
    {
        StringBuilder answer = new StringBuilder();
        CqlLexer lexer = new CqlLexer(new ANTLRStringStream(cql));
        boolean[] failed = new boolean[1];
        lexer.addErrorListener(new ErrorListener()
        {
            public void syntaxError(BaseRecognizer recognizer, String[] names, RecognitionException e)
            {
                failed[0] = true;
            }

            public void syntaxError(BaseRecognizer recognizer, String message)
            {
                failed[0] = true;
            }
        });
        while (true)
        {
            CommonToken token = (CommonToken) lexer.nextToken();
            if (failed[0])
                return answer.append("error\n").toString();
            if (token.getType() == Token.EOF)
                return answer.toString();
            if (token.getChannel() != Token.DEFAULT_CHANNEL)
                continue;
            answer.append(CqlParser.tokenNames[token.getType()]).append(' ')
                  .append(token.getStartIndex()).append(' ').append(token.getStopIndex() + 1).append('\n');
        }
    }
}
