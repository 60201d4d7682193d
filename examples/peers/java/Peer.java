// The Java driver, as a peer of `bench peers`: README.md has the protocol.

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DriverExecutionException;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.session.Session;
import com.datastax.oss.driver.internal.core.loadbalancing.DcInferringLoadBalancingPolicy;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;

public class Peer {
    static final ObjectMapper JSON = new ObjectMapper();
    static CqlSession session;
    static PreparedStatement prepared;
    static int rows;

    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            JsonNode asked = JSON.readTree(line);
            JsonNode answer = asked.has("prepare")
                ? prepare(asked.get("prepare")) : run(asked.get("run"));
            System.out.println(JSON.writeValueAsString(answer));
        }
        // The driver's threads would go on.
        System.exit(0);
    }

    static ObjectNode prepare(JsonNode asked) {
        var config = DriverConfigLoader.programmaticBuilder()
            .withString(DefaultDriverOption.REQUEST_CONSISTENCY, "LOCAL_QUORUM")
            .withClass(DefaultDriverOption.LOAD_BALANCING_POLICY_CLASS, DcInferringLoadBalancingPolicy.class);
        int threads = asked.get("threads").asInt();
        if (threads > 0) {
            config.withInt(DefaultDriverOption.NETTY_IO_SIZE, threads);
        }
        String[] node = asked.get("node").asText().split(":");
        session = CqlSession.builder()
            .addContactPoint(new InetSocketAddress(node[0], Integer.parseInt(node[1])))
            .withConfigLoader(config.build())
            .build();
        prepared = session.prepare(asked.get("text").asText());
        rows = asked.get("rows").asInt();
        String driver = Session.OSS_DRIVER_COORDINATES.getVersion().toString();
        return JSON.createObjectNode()
            .put("ready", "Java driver " + driver + ", Java " + Runtime.version());
    }

    static ObjectNode run(JsonNode asked) throws Exception {
        int inFlight = asked.get("in_flight").asInt();
        long began = System.nanoTime();
        long cpu = cpuNanos();
        var load = new Load(began + asked.get("micros").asLong() * 1_000, inFlight);
        for (int worker = 0; worker < inFlight; worker++) {
            load.next();
        }
        load.left.await();
        long micros = (System.nanoTime() - began) / 1_000;
        ObjectNode answer = JSON.createObjectNode();
        answer.put("answered", load.answered.sum());
        answer.put("micros", micros);
        answer.put("cpu_micros", (cpuNanos() - cpu) / 1_000);
        ObjectNode errors = answer.putObject("errors");
        load.errors.forEach((kind, count) -> errors.put(kind, count.sum()));
        ArrayNode histogram = answer.putArray("histogram");
        load.times().forEach((bucket, count) ->
            histogram.addArray().add(Buckets.micros(bucket)).add(count));
        return answer;
    }

    /** Of all threads: also of those that compile and collect. */
    static long cpuNanos() {
        var system = (com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean();
        return system.getProcessCpuTime();
    }

    /** A closed loop: who has an answer sends the next request. */
    static class Load {
        final long ends;
        final CountDownLatch left;
        final LongAdder answered = new LongAdder();
        final Map<String, LongAdder> errors = new ConcurrentHashMap<>();
        final List<long[]> shares = new CopyOnWriteArrayList<>();
        final ThreadLocal<long[]> share = ThreadLocal.withInitial(() -> {
            var own = new long[Buckets.COUNT];
            shares.add(own);
            return own;
        });

        Load(long ends, int workers) {
            this.ends = ends;
            left = new CountDownLatch(workers);
        }

        void next() {
            long sent = System.nanoTime();
            // What is answered before it is waited for is answered here: else each would call the next one.
            for (; sent < ends; sent = System.nanoTime()) {
                CompletableFuture<AsyncResultSet> asked = ask();
                long since = sent;
                if (!asked.isDone()) {
                    asked.whenComplete((answer, error) -> {
                        answered(answer, error, since);
                        next();
                    });
                    return;
                }
                asked.handle((answer, error) -> {
                    answered(answer, error, since);
                    return null;
                });
            }
            left.countDown();
        }

        CompletableFuture<AsyncResultSet> ask() {
            int id = ThreadLocalRandom.current().nextInt(rows);
            try {
                return session.executeAsync(prepared.bind(id)).toCompletableFuture();
            } catch (RuntimeException error) {
                return CompletableFuture.failedFuture(error);
            }
        }

        void answered(AsyncResultSet answer, Throwable error, long sent) {
            String kind = error == null ? fault(answer) : kind(error);
            if (kind == null) {
                answered.increment();
            } else {
                errors.computeIfAbsent(kind, none -> new LongAdder()).increment();
            }
            share.get()[Buckets.of((System.nanoTime() - sent) / 1_000)]++;
        }

        /** Nothing if it is the row that was asked for. */
        static String fault(AsyncResultSet answer) {
            try {
                Row row = answer.one();
                String name = row == null ? null : row.getString(0);
                return name != null && name.startsWith("User") ? null : "wrong answer";
            } catch (RuntimeException error) {
                return kind(error);
            }
        }

        static String kind(Throwable error) {
            boolean wraps = error instanceof DriverExecutionException && error.getCause() != null;
            return (wraps ? error.getCause() : error).getClass().getSimpleName();
        }

        Map<Integer, Long> times() {
            var times = new java.util.TreeMap<Integer, Long>();
            for (long[] own : shares) {
                for (int bucket = 0; bucket < own.length; bucket++) {
                    if (own[bucket] > 0) {
                        times.merge(bucket, own[bucket], Long::sum);
                    }
                }
            }
            return times;
        }
    }

    /** Microseconds, of which seven bits count. */
    static class Buckets {
        static final int COUNT = 64 * 40;

        static int of(long micros) {
            int shift = Math.max(0, 57 - Long.numberOfLeadingZeros(micros));
            return Math.min(COUNT - 1, (shift << 6) + (int) (micros >> shift));
        }

        static long micros(int bucket) {
            int shift = Math.max(0, (bucket >> 6) - 1);
            return (long) (bucket - (shift << 6)) << shift;
        }
    }
}
