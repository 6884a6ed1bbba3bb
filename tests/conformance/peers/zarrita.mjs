// zarrita.js as a reader of the conformance runner. ZARRITA names a node_modules folder that
// contains zarrita.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const modules = process.env.ZARRITA ?? new URL("./node_modules", import.meta.url).pathname;
const load = (path) => import(pathToFileURL(`${modules}/${path}`).href);
const zarr = await load("zarrita/dist/src/index.js");
const FileSystemStore = (await load("@zarrita/storage/dist/src/fs.js")).default;

const DESCR = {
  bool: "|b1", int8: "|i1", int16: "<i2", int32: "<i4", int64: "<i8", uint8: "|u1", uint16: "<u2", uint32: "<u4",
  uint64: "<u8", float16: "<f2", float32: "<f4", float64: "<f8",
};
const ARRAYS = {
  bool: Uint8Array, int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array,
  uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array, float16: globalThis.Float16Array, float32: Float32Array,
  float64: Float64Array,
};

async function openArray(store, node) {
  const root = zarr.root(new FileSystemStore(store));
  return await zarr.open(node ? root.resolve(node) : root, { kind: "array" });
}

async function read(store, node, out) {
  const array = await openArray(store, node);
  const { shape, dtype } = array;
  const got = await zarr.get(array);
  const scalar = got === null || typeof got !== "object" || !("data" in got);
  if (!(dtype in DESCR)) {
    const data = scalar ? [got] : Array.from(got.data);
    if (!data.every((element) => typeof element === "string")) throw new Error(`adapter: elements of ${dtype}`);
    writeFileSync(`${out}.json`, JSON.stringify({ kind: "string", shape, data }));
    return `${out}.json`;
  }
  const elements = new ARRAYS[dtype](shape.reduce((a, b) => a * b, 1));
  if (scalar) elements[0] = typeof got === "boolean" ? Number(got) : got;
  else copy(elements, got, shape);
  const bytes = Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
  writeFileSync(`${out}.npy`, Buffer.concat([header(DESCR[dtype], shape), bytes]));
  return `${out}.npy`;
}

// Returns the elements in C order for any strides. Floats are copied as bits.
function copy(elements, got, shape) {
  let data = got.data;
  if (data.get) data = Uint8Array.from({ length: data.length }, (_, i) => Number(data.get(i)));
  const contiguous = shape.reduceRight(([size, same], n, axis) => [size * n, same && (n <= 1 || got.stride[axis] === size)], [1, true]);
  if (contiguous[1]) {
    new Uint8Array(elements.buffer).set(new Uint8Array(data.buffer, data.byteOffset, elements.byteLength));
    return;
  }
  const index = shape.map(() => 0);
  for (let at = 0; at < elements.length; at++) {
    elements[at] = data[index.reduce((sum, i, axis) => sum + i * got.stride[axis], 0)];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

function header(descr, shape) {
  let text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.map((n) => `${n},`).join("")}), }`;
  text += " ".repeat(63 - ((10 + text.length) % 64)) + "\n";
  const head = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text, "latin1")]);
}

// Writes the elements of a .npy file to an array with an existing document, for generate.py.
async function write(store, node, file) {
  const { readFileSync } = await import("node:fs");
  const array = await openArray(store, node);
  const npy = readFileSync(file);
  const start = 10 + npy.readUInt16LE(8);
  const bytes = new Uint8Array(npy.subarray(start)).buffer;
  const data = new ARRAYS[array.dtype](bytes);
  const stride = array.shape.map((_, axis) => array.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const wrapped = array.dtype === "bool" ? new zarr.BoolArray(bytes) : data;
  await zarr.set(array, array.shape.map(() => null), { data: wrapped, shape: array.shape, stride });
  return file;
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    const file = request.write ? await write(request.store, request.node, request.write) : await read(request.store, request.node, request.out);
    answer = { ok: true, file };
  } catch (error) {
    const text = `${error?.constructor?.name}: ${error?.message ?? error}`.slice(0, 500);
    answer = { ok: false, error: text };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
