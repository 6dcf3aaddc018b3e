"""Raw LanceDB for benchmarks, by its official SDK: one JSON request on each line of stdin, one JSON answer on stdout.

Vectors come as files of 32-bit floats. Queries run one after the other in here, so that no pipe is in the time taken.
"""
import asyncio
import json
import sys
import time

import lancedb
import numpy
import pyarrow
from lancedb.index import BTree, HnswSq, IvfPq, IvfSq

ROWS_IN_A_PARTITION = 1_024


def index_of(kind, rows, dimension):
    partitions = max(1, rows // ROWS_IN_A_PARTITION)
    if kind == "hnsw_sq":
        return HnswSq(distance_type="dot", num_partitions=1)
    if kind == "ivf_pq":  # by inner product its codes find less than half of the nearest
        return IvfPq(distance_type="l2", num_partitions=partitions, num_sub_vectors=dimension // 2)
    return IvfSq(distance_type="dot", num_partitions=partitions)


class Peer:
    async def build(self, request):
        self.kind, self.dimension = request["kind"], request["dimension"]
        values = numpy.fromfile(request["vectors"], dtype=numpy.float32)
        self.rows = len(values) // self.dimension
        buckets = numpy.fromfile(request["buckets"], dtype=numpy.int64)
        columns = {"key": numpy.arange(self.rows, dtype=numpy.int64), "bucket": buckets,
                   "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values), self.dimension)}
        database = await lancedb.connect_async(request["folder"], session=lancedb.Session(index_cache_size_bytes=4 << 30))
        begun = time.perf_counter()
        self.table = await database.create_table("bench", pyarrow.table(columns), mode="overwrite")
        await self.table.create_index("bucket", config=BTree())
        await self.table.create_index("vector", config=index_of(self.kind, self.rows, self.dimension))
        return {"seconds": time.perf_counter() - begun}

    async def run(self, request):
        queries = numpy.fromfile(request["queries"], dtype=numpy.float32).reshape(-1, self.dimension)
        found, effort = [], request["effort"]
        begun = time.perf_counter()
        for query in queries[request["first"]:request["last"]]:
            search = self.table.query().nearest_to(query).distance_type("l2" if self.kind == "ivf_pq" else "dot")
            search = search.limit(request["count"]).select(["key", "_distance"])
            if self.kind == "hnsw_sq":
                search = search.nprobes(1).ef(effort).refine_factor(2)
            else:
                search = search.nprobes(effort).refine_factor(4 if self.kind == "ivf_pq" else 2)
            if request["limit"]:
                search = search.where(f"bucket < {request['limit']}")
            found.append((await search.to_arrow())["key"].to_pylist())
        return {"seconds": time.perf_counter() - begun, "found": found}

    async def churn(self, request):
        """Deletes rows and adds them again, in pieces, then lets LanceDB put its house in order."""
        rows = numpy.fromfile(request["rows"], dtype=numpy.int64)
        values = numpy.fromfile(request["vectors"], dtype=numpy.float32).reshape(-1, self.dimension)
        buckets = numpy.fromfile(request["buckets"], dtype=numpy.int64)
        for part in numpy.array_split(rows, len(rows) // 5_000 + 1):
            await self.table.delete(f"key IN ({','.join(map(str, part.tolist()))})")
        for part in numpy.array_split(rows, len(rows) // 5_000 + 1):
            vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values[part].ravel()), self.dimension)
            await self.table.add(pyarrow.table({"key": part, "bucket": buckets[part], "vector": vectors}))
        await self.table.optimize()
        return {}


async def main():
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(await getattr(peer, request["op"])(request)), flush=True)


asyncio.run(main())
