// A server of MongoDB's wire protocol for tests: `java -cp 'target/tools/mongo/*' Server.java PORT FILE`. Ends with its
// standard input.

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;

public class Server {
    // The driver speaks to 4.4 and newer only. This server calls itself older; it knows every command that the store uses,
    // which is what the tests then show.
    private static final MongoVersion VERSION = new MongoVersion() {
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
        }

        public int getWireVersion() {
            return 9;
        }
    };

    public static void main(String[] arguments) throws Exception {
        MongoServer server = new MongoServer(new H2Backend(arguments[1]).version(VERSION));
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.out.println("listening");
        while (System.in.read() != -1) {
            // Nothing is expected; the end of the input is the end of whoever started this.
        }
        server.shutdownNow();
        System.exit(0);
    }
}
