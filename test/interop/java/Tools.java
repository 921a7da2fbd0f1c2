import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command line tools one after another in one process: each line of standard input is
 * {@code {"main", "args", "input"}}, each line of output {@code {"code", "stdout", "stderr"}}. A tool sees standard
 * streams and an end of the process of its own, so that it does what it would do alone, without a JVM's start each time.
 */
final class Tools {
  private static final int PATIENCE_S = 60;

  /** Where standard output or error goes for now; some tools keep the stream that they found first. */
  private static final class Switch extends OutputStream {
    private ByteArrayOutputStream target = new ByteArrayOutputStream();

    @Override
    public synchronized void write(int b) {
      target.write(b);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int count) {
      target.write(bytes, from, count);
    }

    synchronized String take() {
      String text = target.toString(StandardCharsets.UTF_8);
      target = new ByteArrayOutputStream();
      return text;
    }
  }

  public static void main(String[] arguments) throws Exception {
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    Switch out = new Switch();
    Switch err = new Switch();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      int code = run(Vocabulary.JSON.readTree(line));
      ObjectNode answer = Vocabulary.object("code", code, "stdout", out.take(), "stderr", err.take());
      answers.println(answer);
    }
    Runtime.getRuntime().halt(0);
  }

  /** Runs one tool until its main method returns or it ends the process; then what it wanted done at the end. */
  private static int run(JsonNode request) throws Exception {
    System.setIn(new ByteArrayInputStream(request.get("input").asText("").getBytes(StandardCharsets.UTF_8)));
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    List<Runnable> atEnd = new ArrayList<>();
    Exit.Procedure end = (code, message) -> {
      ended.complete(code);
      while (true) LockSupport.park(); // as in a process that has ended, nothing of the tool goes on
    };
    Exit.setExitProcedure(end);
    Exit.setHaltProcedure(end);
    Exit.setShutdownHookAdder((name, hook) -> atEnd.add(hook));
    String[] args = Vocabulary.strings(request.get("args")).toArray(String[]::new);
    var main = Class.forName(request.get("main").textValue()).getMethod("main", String[].class);
    Thread tool = new Thread(() -> {
      try {
        main.invoke(null, (Object) args);
        ended.complete(0);
      } catch (Throwable thrown) {
        (thrown.getCause() == null ? thrown : thrown.getCause()).printStackTrace();
        ended.complete(1);
      }
    });
    tool.setDaemon(true);
    tool.start();
    try {
      int code = ended.get(PATIENCE_S, TimeUnit.SECONDS);
      for (Runnable hook : atEnd) hook.run();
      return code;
    } catch (TimeoutException late) {
      System.err.println("not ended within " + PATIENCE_S + " s");
      return 124;
    }
  }

  private Tools() {}
}
