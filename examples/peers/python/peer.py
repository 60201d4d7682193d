"""Python's driver behind asyncio, as async-cassandra has it, as a peer of `bench peers`: README.md has the protocol.

A request's callbacks run on the driver's thread, and hand the answer to the event loop with `call_soon_threadsafe`.
"""

import asyncio
import json
import platform
import random
import sys
import time

import cassandra
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile

try:
    import uvloop
except ImportError:
    uvloop = None


class Peer:
    def prepare(self, asked):
        host, port = asked["node"].rsplit(":", 1)
        profile = ExecutionProfile(consistency_level=ConsistencyLevel.LOCAL_QUORUM)
        cluster = Cluster([host], port=int(port), execution_profiles={EXEC_PROFILE_DEFAULT: profile})
        self.session = cluster.connect()
        self.prepared = self.session.prepare(asked["text"])
        self.rows = asked["rows"]
        loop = f"uvloop {uvloop.__version__}" if uvloop else "asyncio"
        reactor = type(cluster).connection_class.__name__
        return {
            "ready": f"Python driver {cassandra.__version__} ({reactor}), {loop}, "
            f"Python {platform.python_version()}"
        }

    def execute(self, loop, values):
        """A future of the rows."""
        future = loop.create_future()

        def give(rows):
            if not future.done():
                future.set_result(rows)

        def fail(error):
            if not future.done():
                future.set_exception(error)

        self.session.execute_async(self.prepared, values).add_callbacks(
            lambda rows: loop.call_soon_threadsafe(give, rows),
            lambda error: loop.call_soon_threadsafe(fail, error),
        )
        return future

    async def run(self, asked):
        loop = asyncio.get_running_loop()
        answered, errors, times = 0, {}, {}
        began, cpu = time.perf_counter(), time.process_time()
        ends = began + asked["micros"] / 1e6

        async def work():
            nonlocal answered
            while (sent := time.perf_counter()) < ends:
                try:
                    rows = await self.execute(loop, (random.randrange(self.rows),))
                    kind = None if rows[0].name.startswith("User") else "wrong answer"
                except Exception as error:
                    kind = type(error).__name__
                if kind is None:
                    answered += 1
                else:
                    errors[kind] = errors.get(kind, 0) + 1
                micros = rounded(int((time.perf_counter() - sent) * 1e6))
                times[micros] = times.get(micros, 0) + 1

        await asyncio.gather(*(work() for _ in range(asked["in_flight"])))
        return {
            "answered": answered,
            "micros": int((time.perf_counter() - began) * 1e6),
            "cpu_micros": int((time.process_time() - cpu) * 1e6),
            "errors": errors,
            "histogram": sorted(times.items()),
        }


def rounded(micros):
    """To seven bits."""
    shift = max(0, micros.bit_length() - 7)
    return micros >> shift << shift


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        if "prepare" in asked:
            answer = peer.prepare(asked["prepare"])
        else:
            answer = await peer.run(asked["run"])
        print(json.dumps(answer), flush=True)


if uvloop:
    uvloop.run(main())
else:
    asyncio.run(main())
