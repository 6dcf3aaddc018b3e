"""The process that holds LanceDB for Triune: answers framed requests on the socket that is its file descriptor 3.

A frame, both ways: b"TLW1", the header's size (u32) and the body's (u64), little-endian; the header, one JSON object;
the body, whose parts are encapsulated Arrow IPC messages, one record batch each. Requests are answered as they finish,
with their "id". The end of the socket ends the process, so that none outlives its parent.
"""
import asyncio
import datetime
import json
import os
import socket
import struct
import sys
import warnings

warnings.filterwarnings("ignore")

import lancedb  # noqa: E402
import numpy  # noqa: E402
import pyarrow  # noqa: E402
from lancedb.expr import col  # noqa: E402
from lancedb.index import FTS, BTree, HnswSq, IvfPq, IvfSq, LabelList  # noqa: E402

PROTOCOL = 1
FRAME = struct.Struct("<4sIQ")
MAGIC = b"TLW1"
IDLE_SECONDS = 600
LARGEST_HEADER = 1 << 20
LARGEST_BODY = 1 << 31
DELETED_AT_ONCE = 5_000
ROWS_IN_A_PAGE = 4_096
GRAPH_LINKS = 20
GRAPH_CANDIDATES = 100
INDEX_KINDS = {"IvfHnswSq": "hnsw", "IvfPq": "ivf_pq", "IvfSq": "ivf_sq"}
TRIED_ROWS = 64
GOOD_SHARE = 0.99
NEVER_PRUNE = datetime.timedelta(days=36_500)

KEYS = pyarrow.schema([pyarrow.field("key", pyarrow.int64(), False)])
QUERY = pyarrow.schema([pyarrow.field("query", pyarrow.float32(), False)])


def rows_schema(dimension):
    values = pyarrow.list_(pyarrow.field("item", pyarrow.float32(), True), dimension)
    labels = pyarrow.list_(pyarrow.field("item", pyarrow.utf8(), True))
    return pyarrow.schema([
        pyarrow.field("key", pyarrow.int64(), False),
        pyarrow.field("vector", values, False),
        pyarrow.field("length", pyarrow.float32(), False),
        pyarrow.field("labels", labels, False),
        pyarrow.field("text", pyarrow.utf8(), True),
    ])


class Failure(Exception):
    """An answer that is an error, with a code of Triune's."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def code_of(error):
    """Which of Triune's codes an exception of LanceDB stands for."""
    if isinstance(error, Failure):
        return error.code
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "deadline_exceeded"
    text = str(error).lower()
    if isinstance(error, MemoryError) or "resources exhausted" in text or "no space left" in text:
        return "resource_exhausted"
    if isinstance(error, FileNotFoundError) or "was not found" in text or "not found" in text:
        return "not_found"
    if "corrupt" in text or "invalid magic" in text:
        return "corruption"
    if isinstance(error, (OSError, RuntimeError)):
        return "unavailable"
    return "internal"


def key_list(keys):
    return ",".join(map(str, keys.tolist()))


def index_of(kind, metric, dimension, partition_rows):
    """What `kind` of vector index to train. Partitions are given by their size: where only their number is, the next
    `optimize` joins them into a few large ones."""
    if kind == "hnsw":
        return HnswSq(distance_type=metric, num_partitions=1, m=GRAPH_LINKS, ef_construction=GRAPH_CANDIDATES)
    if kind == "ivf_pq":
        return IvfPq(distance_type=metric, target_partition_size=partition_rows, num_sub_vectors=dimension // 2)
    return IvfSq(distance_type=metric, target_partition_size=partition_rows)


class Engine:
    def __init__(self, cache_bytes):
        self.cache_bytes = cache_bytes
        self.session = self.new_session(cache_bytes)
        self.connections = {}
        self.tables = {}
        self.readers = {}

    @staticmethod
    def new_session(cache_bytes):
        return lancedb.Session(index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=cache_bytes // 4)

    async def connection(self, uri):
        if uri not in self.connections:
            self.connections[uri] = await lancedb.connect_async(uri, session=self.session)
        return self.connections[uri]

    async def table(self, request):
        at = (request["uri"], request["table"])
        if at not in self.tables:
            self.tables[at] = await (await self.connection(at[0])).open_table(at[1])
        return self.tables[at]

    # Each request's method: (request, body parts) to (fields of the answer, record batch or None).

    async def hello(self, request, parts):
        return {"protocol": PROTOCOL, "version": lancedb.__version__, "process": os.getpid()}, None

    async def create(self, request, parts):
        connection = await self.connection(request["uri"])
        table = await connection.create_table(request["table"], schema=rows_schema(request["dimension"]))
        await table.set_unenforced_primary_key(["key"])
        self.tables[(request["uri"], request["table"])] = table
        return {"version": await table.version()}, None

    async def open(self, request, parts):
        """With "fresh", versions that were read before may since have been undone: nothing cached is believed."""
        self.tables.pop((request["uri"], request["table"]), None)
        if request.get("fresh"):
            session = self.new_session(self.cache_bytes // 8)
            self.connections[request["uri"]] = await lancedb.connect_async(request["uri"], session=session)
        table = await self.table(request)
        return {"version": await table.version(), "rows": await table.count_rows()}, None

    async def forget(self, request, parts):
        """Closes a table, and all of the database when it names none; with "drop" the files go, too."""
        uri, name = request["uri"], request["table"]
        for at in [at for at in self.tables if at[0] == uri and name in ("", at[1])]:
            del self.tables[at]
        if request.get("drop"):
            connection = await self.connection(uri)
            names = [name] if name else await connection.table_names()
            for each in names:
                try:
                    await connection.drop_table(each)
                except Exception as error:  # what is not there is dropped
                    if code_of(error) != "not_found":
                        raise
        if not name:
            self.connections.pop(uri, None)
        return {}, None

    async def restore(self, request, parts):
        table = await self.table(request)
        try:
            await table.checkout(request["version"])
            await table.restore()
        finally:
            await table.checkout_latest()
        return {"version": await table.version(), "rows": await table.count_rows()}, None

    async def append(self, request, parts):
        table = await self.table(request)
        await table.add(pyarrow.Table.from_batches([parts[0](rows_schema(request["dimension"]))]))
        return {"version": await table.version()}, None

    async def flush(self, request, parts):
        table = await self.table(request)
        puts = parts[0](rows_schema(request["dimension"]))
        deletes = parts[1](KEYS)["key"].to_numpy()
        await self.delete_keys(table, deletes)
        if puts.num_rows:
            await self.put(table, pyarrow.Table.from_batches([puts]))
        return {"version": await table.version(), "rows": await table.count_rows()}, None

    @staticmethod
    async def delete_keys(table, keys):
        for at in range(0, len(keys), DELETED_AT_ONCE):
            await table.delete(f"key IN ({key_list(keys[at:at + DELETED_AT_ONCE])})")

    async def put(self, table, puts):
        """Inserts or replaces, and proves it: an upsert has been known to match nothing once an index had been
        optimized, which leaves two rows of a key. The scalar index is therefore not used to match, either."""
        keys = puts["key"].to_numpy()
        merge = table.merge_insert("key").when_matched_update_all().when_not_matched_insert_all().use_index(False)
        await merge.execute(puts)
        if await self.count_keys(table, keys) == len(keys):
            return
        await self.delete_keys(table, keys)
        await table.add(puts)
        found = await self.count_keys(table, keys)
        if found != len(keys):
            raise Failure("corruption", f"{len(keys)} vectors were put and {found} are there")

    @staticmethod
    async def count_keys(table, keys):
        counts = [await table.count_rows(f"key IN ({key_list(keys[at:at + DELETED_AT_ONCE])})")
                  for at in range(0, len(keys), DELETED_AT_ONCE)]
        return sum(counts)

    async def search(self, request, parts):
        table = await self.table(request)
        if "at_version" in request:
            table = await (await self.connection(request["uri"])).open_table(request["table"])
            await table.checkout(request["at_version"])
        query = table.query().nearest_to(parts[0](QUERY)["query"].to_numpy())
        columns = ["key", "vector", "_distance"] if request["vectors"] else ["key", "_distance"]
        query = query.distance_type(request["metric"]).limit(request["count"]).select(columns)
        if request["rows"]:
            query = query.with_row_id()
            columns.append("_rowid")
        if request["where"]:
            query = query.where(request["where"])
        if len(parts) > 1:  # as an expression they need not be parsed
            query = query.where(col("key").isin(parts[1](KEYS)["key"].to_pylist()))
        if request["exact"]:
            query = query.bypass_vector_index()
        else:
            # Without a maximum LanceDB searches all partitions.
            query = query.nprobes(request["probes"]) if request["probes"] else query.maximum_nprobes(0)
            query = query.ef(request["candidates"])
            if request["refine"]:
                query = query.refine_factor(request["refine"])
        found = (await query.to_arrow()).combine_chunks()
        return {"found": found.num_rows}, self.one_batch(found.select(columns))

    async def take(self, request, parts):
        table = await self.table(request)
        rows = table.take_row_ids(parts[0](KEYS)["key"].to_pylist()).select(["key", "vector"])
        found = (await rows.to_arrow()).combine_chunks()
        return {"found": found.num_rows}, self.one_batch(found.select(["key", "vector"]))

    @staticmethod
    def one_batch(table):
        batches = table.to_batches()
        return batches[0] if batches else None

    async def text_index(self, request, parts):
        table = await self.table(request)
        if not any(index.name == "text_idx" for index in await table.list_indices()):
            await table.create_index("text", config=FTS())
        return {"version": await table.version(), "rows": await table.count_rows()}, None

    async def search_text(self, request, parts):
        query = (await self.table(request)).query().nearest_to_text(request["text"], columns=["text"])
        found = (await query.limit(request["count"]).select(["key", "_score"]).to_arrow()).combine_chunks()
        return {"found": found.num_rows}, self.one_batch(found.select(["key", "_score"]))

    async def count_without(self, request, parts):
        table = await self.table(request)
        condition = f"key NOT IN ({key_list(parts[0](KEYS)['key'].to_numpy())})" if parts else None
        return {"rows": await table.count_rows(condition)}, None

    async def scan(self, request, parts):
        """Begins a scan of the table as it is now; `page` reads on."""
        table = await self.table(request)
        query = table.query().select(["key", "vector", "length"])
        self.readers[request["id"]] = await query.to_batches(max_batch_length=ROWS_IN_A_PAGE)
        return {"reader": request["id"]}, None

    async def page(self, request, parts):
        reader = self.readers.get(request["reader"])
        if reader is None:
            raise Failure("unavailable", "the scan was broken off; begin it again")
        async for batch in reader:
            if batch.num_rows:
                return {"more": True}, batch
        del self.readers[request["reader"]]
        return {"more": False}, None

    async def end_scan(self, request, parts):
        self.readers.pop(request["reader"], None)
        return {}, None

    @staticmethod
    async def digest_of(table):
        """What compaction and storage must not change: how many keys there are, how many different ones, and which:
        the sum of their hashes (the last steps of SplitMix64), so that no two sets of keys are likely to share it."""
        keys = (await table.query().select(["key"]).to_arrow())["key"].to_numpy().view(numpy.uint64)
        mixed = (keys ^ (keys >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return len(keys), len(numpy.unique(keys)), int((mixed ^ (mixed >> numpy.uint64(31))).sum(dtype=numpy.uint64))

    async def digest(self, request, parts):
        rows, different, total = await self.digest_of(await self.table(request))
        return {"rows": rows, "different": different, "digest": f"{total:016x}"}, None

    async def compact(self, request, parts):
        """Merges small files, rewrites deleted rows away, takes new rows into the indices; then verifies."""
        table = await self.table(request)
        before, version = await self.digest_of(table), await table.version()
        await table.optimize(cleanup_older_than=NEVER_PRUNE)
        after = await self.digest_of(table)
        if before != after or after[0] != after[1]:
            await table.checkout(version)
            await table.restore()
            await table.checkout_latest()
            raise Failure("corruption", f"compaction made of {before} rows, keys, digest {after}; it was undone")
        return {"version": await table.version(), "rows": after[0]}, None

    async def prune(self, request, parts):
        """Removes all but the last `keep` versions. Nobody may be reading an older one."""
        table = await self.table(request)
        versions = sorted(await table.list_versions(), key=lambda version: version["version"])
        if len(versions) > request["keep"]:
            oldest = versions[-request["keep"]]["timestamp"]
            age = max(datetime.timedelta(0), datetime.datetime.now(oldest.tzinfo) - oldest)
            await table.optimize(cleanup_older_than=age, delete_unverified=True)
        return {"version": await table.version(), "versions": len(await table.list_versions())}, None

    async def index(self, request, parts):
        table = await self.table(request)
        kind = request["kind"]
        if kind == "key":
            await table.create_index("key", config=BTree())
        elif kind == "labels":
            await table.create_index("labels", config=LabelList())
        else:
            config = index_of(kind, request["metric"], request["dimension"], request["partition_rows"])
            await table.create_index("vector", config=config, replace=True)
        return {"version": await table.version()}, None

    async def try_index(self, request, parts):
        """Searches for rows of the table: how little is enough to find as good as what the greatest effort finds?"""
        table = await self.table(request)
        rows = await table.count_rows()
        sample = await table.take_offsets(range(0, rows, rows // TRIED_ROWS + 1)).select(["key", "vector"]).to_arrow()
        vectors = sample["vector"].combine_chunks().flatten().to_numpy().reshape(-1, request["dimension"])
        tried = list(zip(sample["key"].to_pylist(), vectors))
        best = await self.neighbours(table, request, tried, request["probes"], request["refine"])

        async def is_enough(probes, refine):
            found = await self.neighbours(table, request, tried, probes, refine)
            return sum(len(each & of) for each, of in zip(found, best)) >= GOOD_SHARE * sum(map(len, best))

        refine, probes = request["least_refine"], 1
        while refine < request["refine"] and not await is_enough(request["probes"], refine):
            refine *= 2
        while probes < request["probes"] and not await is_enough(probes, refine):
            probes *= 2
        return {"probes": min(probes, request["probes"]), "refine": min(refine, request["refine"]), "rows": rows}, None

    @staticmethod
    async def neighbours(table, request, rows, probes, refine):
        """The keys of the nearest of each row, but its own, which every search finds."""
        found = []
        for key, vector in rows:
            query = table.query().nearest_to(vector).distance_type(request["metric"]).limit(request["count"] + 1)
            query = query.nprobes(probes).refine_factor(refine).select(["key", "_distance"])
            found.append(set((await query.to_arrow())["key"].to_pylist()) - {key})
        return found

    async def versions(self, request, parts):
        found = await (await self.table(request)).list_versions()
        columns = [[each["version"] for each in found],
                   [int(each["timestamp"].timestamp() * 1000) for each in found],
                   [int(each["metadata"].get("total_rows", 0)) for each in found]]
        arrays = [pyarrow.array(column, pyarrow.int64()) for column in columns]
        return {}, pyarrow.record_batch(arrays, names=["version", "at", "rows"])

    async def statistics(self, request, parts):
        table = await self.table(request)
        stats = await table.stats()
        indices = {index.name: index for index in await table.list_indices()}
        rows = await table.count_rows()
        of_vectors = indices.get("vector_idx")
        unindexed = of_vectors.num_unindexed_rows if of_vectors else rows
        fragments = stats["fragment_stats"]
        return {"rows": rows, "unindexed": unindexed, "bytes": stats["total_bytes"],
                "fragments": fragments["num_fragments"], "small": fragments["num_small_fragments"],
                "versions": len(await table.list_versions()),
                "vector_index": INDEX_KINDS[of_vectors.index_type] if of_vectors else "",
                "segments": of_vectors.num_segments if of_vectors else 0,
                "key_index": "key_idx" in indices, "labels_index": "labels_idx" in indices}, None


class Server:
    def __init__(self, engine, reader, writer):
        self.engine, self.reader, self.writer = engine, reader, writer
        self.tasks = {}

    async def run(self):
        while True:
            try:
                frame = await asyncio.wait_for(self.reader.readexactly(FRAME.size), IDLE_SECONDS)
            except asyncio.IncompleteReadError:
                return
            except asyncio.TimeoutError:
                if self.tasks or self.engine.readers:
                    continue
                return
            magic, header_size, body_size = FRAME.unpack(frame)
            if magic != MAGIC or header_size > LARGEST_HEADER or body_size > LARGEST_BODY:
                sys.exit("the parent sent no frame")
            request = json.loads(await self.reader.readexactly(header_size))
            body = await self.reader.readexactly(body_size)
            if request["op"] == "cancel":
                task = self.tasks.get(request["what"])
                if task:
                    task.cancel()
                continue
            self.tasks[request["id"]] = asyncio.create_task(self.answer(request, body))

    async def answer(self, request, body):
        batch = None
        try:
            parts, at = [], 0
            for size in request.get("parts", []):
                message = pyarrow.py_buffer(body[at:at + size])
                parts.append(lambda schema, message=message: pyarrow.ipc.read_record_batch(message, schema))
                at += size
            limit = request.get("timeout_ms")
            async with asyncio.timeout(limit / 1000 if limit else None):
                header, batch = await getattr(self.engine, request["op"])(request, parts)
            header["ok"] = True
        except asyncio.CancelledError:
            header = {"ok": False, "code": "cancelled", "message": "the caller gave up"}
        except BaseException as error:  # also a panic of the engine, which is no Exception
            message = str(error) or type(error).__name__
            header = {"ok": False, "code": code_of(error), "message": message[:2_000], "native": type(error).__name__}
        self.tasks.pop(request["id"], None)
        header["id"] = request["id"]
        answer = batch.serialize().to_pybytes() if batch is not None else b""
        text = json.dumps(header).encode()
        self.writer.write(FRAME.pack(MAGIC, len(text), len(answer)) + text)
        self.writer.write(answer)
        await self.writer.drain()


async def main():
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=3), limit=1 << 22)
    engine = Engine(int(os.environ.get("TRIUNE_LANCEDB_CACHE_BYTES", 256 << 20)))
    await Server(engine, reader, writer).run()
    os._exit(0)  # threads of the engine may still wait for something


asyncio.run(main())
