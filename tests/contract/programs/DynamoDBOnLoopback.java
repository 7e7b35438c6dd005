import software.amazon.dynamodb.services.local.server.LocalDynamoDBRequestHandler;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;

/**
 * DynamoDB Local in memory, for as long as its input stays open.
 *
 * Its own command listens on every interface and reports its use to Amazon. This listens on loopback, at
 * a free port that it prints, and reports nothing.
 */
public class DynamoDBOnLoopback {
    public static void main(String[] arguments) throws Exception {
        var tables = new LocalDynamoDBRequestHandler(0, true, null, false, false);
        var server = new Server(new InetSocketAddress("127.0.0.1", 0));
        server.setHandler(new LocalDynamoDBServerHandler(tables, null));
        server.start();
        System.out.println("Listening at 127.0.0.1:" + server.getURI().getPort());
        while (System.in.read() != -1) {
            // Whoever started us is still there.
        }
        System.exit(0);
    }
}
