//! The limit of what an implementation can reach: a reader and writer of the cubes of `uint16` alone,
//! which makes the system calls and the codec calls that the data need, on all cores, and checks
//! nothing. It shows how much of the time of a row is that of the kernel and the codecs.

use std::any::Any;
use std::cell::RefCell;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;
use serde_json::Value;

use crate::bare_codec::{Codec, bytes_of, bytes_of_mut, large};
use crate::element::Element;
use crate::operations::{Implementation, Result};
use crate::request::{Place, Region};

pub struct Bare;

/// An open cube.
pub struct Cube {
    folder: PathBuf,
    side: usize,
    /// The side of the files: of chunks or shards.
    chunk: usize,
    /// The shape of the parts that are read alone: inner chunks; planes of raw chunks; whole chunks.
    part: [usize; 3],
    is_sharded: bool,
    codec: Codec,
    files: Vec<OnceLock<Opened>>,
    /// The decoded parts of all chunks, if the case has a cache of them.
    decoded: Option<Vec<OnceLock<Vec<u16>>>>,
}

struct Opened {
    file: File,
    /// Offset and size of each part.
    index: Vec<[u64; 2]>,
}

/// A part, and the elements of it that are wanted, in the array.
struct Job {
    file: usize,
    part: usize,
    start: [usize; 3],
    wanted: [Range<usize>; 3],
}

/// The pointer to the elements of an array, whose jobs write different elements.
#[derive(Clone, Copy)]
struct Target(*mut u16);

// SAFETY: each job writes elements of its own part.
unsafe impl Send for Target {}
// SAFETY: see above.
unsafe impl Sync for Target {}

thread_local! {
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static DECODED: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
}

fn lacks<T>(what: &str) -> Result<T> {
    Err(what.to_owned())
}

fn cells(shape: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let [z, y, x] = shape;
    (0..z * y * x).map(move |at| [at / (y * x), at / x % y, at % x])
}

impl Cube {
    fn open(place: &Place, cache: u64) -> Result<Self> {
        let folder = PathBuf::from(&place.path);
        let text = fs::read(folder.join("zarr.json")).map_err(|_| "Zarr v2")?;
        let document: Value = serde_json::from_slice(&text).expect("a document");
        let side = |shape: &Value| match shape.as_array().map(Vec::as_slice) {
            Some([a, b, c]) if a == b && b == c => Ok(a.as_u64().expect("a length") as usize),
            _ => lacks("other shapes than cubes"),
        };
        if document["data_type"] != "uint16" {
            return lacks("other types than uint16");
        }
        let chunk = side(&document["chunk_grid"]["configuration"]["chunk_shape"])?;
        let sharding = &document["codecs"][0]["configuration"];
        let is_sharded = document["codecs"][0]["name"] == "sharding_indexed";
        let codecs = if is_sharded {
            &sharding["codecs"]
        } else {
            &document["codecs"]
        };
        let codec = Codec::new(&codecs[1]);
        let part = match (is_sharded, &codec) {
            (true, _) => [side(&sharding["chunk_shape"])?; 3],
            (false, Codec::Raw) => [8, chunk, chunk],
            (false, _) => [chunk; 3],
        };
        let side = side(&document["shape"])?;
        let files = (side / chunk).pow(3);
        let parts = files * (chunk.pow(3) / part.iter().product::<usize>());
        Ok(Self {
            folder,
            side,
            chunk,
            part,
            is_sharded,
            codec,
            files: (0..files).map(|_| OnceLock::new()).collect(),
            decoded: (cache > 0).then(|| (0..parts).map(|_| OnceLock::new()).collect()),
        })
    }

    /// The number of parts of a file along each dimension.
    fn grid(&self) -> [usize; 3] {
        self.part.map(|len| self.chunk / len)
    }

    fn parts(&self) -> usize {
        self.grid().iter().product()
    }

    fn part_len(&self) -> usize {
        self.part.iter().product()
    }

    fn path(&self, cell: [usize; 3]) -> PathBuf {
        let [z, y, x] = cell;
        self.folder.join(format!("c/{z}/{y}/{x}"))
    }

    fn file(&self, number: usize) -> &Opened {
        self.files[number].get_or_init(|| {
            let along = self.side / self.chunk;
            let cell = cells([along; 3]).nth(number).expect("a cell");
            let file = File::open(self.path(cell)).expect("a file");
            let size = file.metadata().expect("a size").len();
            let parts = self.parts();
            let mut index = vec![[0, size]; parts];
            if self.is_sharded {
                let mut bytes = vec![0; 16 * parts];
                let start = size - 16 * parts as u64 - 4;
                file.read_exact_at(&mut bytes, start).expect("an index");
                let numbers = bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|&number| u64::from_le_bytes(number));
                index
                    .as_flattened_mut()
                    .iter_mut()
                    .zip(numbers)
                    .for_each(|(entry, number)| *entry = number);
            } else if let Codec::Raw = self.codec {
                let len = size / parts as u64;
                index
                    .iter_mut()
                    .zip(0..)
                    .for_each(|(entry, part)| *entry = [part * len, len]);
            }
            Opened { file, index }
        })
    }

    fn jobs(&self, wanted: &[Range<usize>; 3]) -> Vec<Job> {
        let along = self.side / self.chunk;
        let mut jobs = Vec::new();
        for (file, cell) in cells([along; 3]).enumerate() {
            for (part, within) in cells(self.grid()).enumerate() {
                let start =
                    [0, 1, 2].map(|axis| cell[axis] * self.chunk + within[axis] * self.part[axis]);
                let wanted = [0, 1, 2].map(|axis| {
                    wanted[axis].start.max(start[axis])
                        ..wanted[axis].end.min(start[axis] + self.part[axis])
                });
                if wanted.iter().all(|range| !range.is_empty()) {
                    jobs.push(Job {
                        file,
                        part,
                        start,
                        wanted,
                    });
                }
            }
        }
        jobs
    }

    /// Calls `use_part` with the decoded elements of the planes of a part that are wanted.
    fn with_decoded<R>(&self, job: &Job, use_part: impl FnOnce(&[u16]) -> R) -> R {
        let plane = self.part[1] * self.part[2];
        let planes = job.wanted[0].start - job.start[0]..job.wanted[0].end - job.start[0];
        if let Some(decoded) = &self.decoded {
            let slot = &decoded[job.file * self.parts() + job.part];
            let elements = slot.get_or_init(|| {
                let mut elements = large(self.part_len());
                self.decode(job, 0..self.part_len(), &mut elements);
                elements
            });
            return use_part(&elements[planes.start * plane..planes.end * plane]);
        }
        DECODED.with_borrow_mut(|elements| {
            if elements.len() < self.part_len() {
                *elements = large(self.part_len());
            }
            let wanted = planes.start * plane..planes.end * plane;
            self.decode(job, wanted.clone(), &mut elements[..self.part_len()]);
            use_part(&elements[wanted])
        })
    }

    /// Decodes a part; of a raw part, only the wanted elements.
    fn decode(&self, job: &Job, wanted: Range<usize>, elements: &mut [u16]) {
        let Opened { file, index } = self.file(job.file);
        let [offset, size] = index[job.part];
        if let Codec::Raw = self.codec {
            let bytes = bytes_of_mut(&mut elements[wanted.clone()]);
            return file
                .read_exact_at(bytes, offset + 2 * wanted.start as u64)
                .expect("a part");
        }
        ENCODED.with_borrow_mut(|encoded| {
            encoded.resize(size as usize, 0);
            file.read_exact_at(encoded, offset).expect("a part");
            self.codec.decode(encoded, bytes_of_mut(elements));
        });
    }

    fn read(&self, region: &[Range<usize>; 3]) -> ArrayD<u16> {
        let shape = region.clone().map(|range| range.len());
        let mut result = large(shape.iter().product());
        let target = Target(result.as_mut_ptr());
        let copy = |job: &Job| {
            let Target(to) = { target };
            self.with_decoded(job, |elements| {
                let first = job.wanted[0].start;
                let len = job.wanted[2].len();
                for z in job.wanted[0].clone() {
                    for y in job.wanted[1].clone() {
                        let from = ((z - first) * self.part[1] + y - job.start[1]) * self.part[2];
                        let from = from + job.wanted[2].start - job.start[2];
                        let at =
                            ((z - region[0].start) * shape[1] + y - region[1].start) * shape[2];
                        let row = &elements[from..from + len];
                        // SAFETY: the row is inside the result, and no other job writes it.
                        unsafe {
                            to.add(at + job.wanted[2].start - region[2].start)
                                .copy_from_nonoverlapping(row.as_ptr(), len)
                        };
                    }
                }
            });
        };
        let jobs = self.jobs(region);
        if jobs.len() > 2 {
            jobs.par_iter().for_each(copy)
        } else {
            jobs.iter().for_each(copy)
        }
        ArrayD::from_shape_vec(IxDyn(&shape), result).expect("as many elements")
    }

    fn write(&self, data: &[u16]) {
        let along = self.side / self.chunk;
        cells([along; 3])
            .collect::<Vec<_>>()
            .into_par_iter()
            .for_each(|cell| {
                let mut encoded: Vec<u8> = Vec::new();
                if let Codec::Raw = self.codec {
                    encoded = large(2 * self.chunk.pow(3) + 16 * self.parts() + 4);
                    encoded.clear();
                }
                let mut index = Vec::with_capacity(16 * self.parts() + 4);
                let mut part = large(self.part_len());
                for within in cells(self.grid()) {
                    let start = [0, 1, 2]
                        .map(|axis| cell[axis] * self.chunk + within[axis] * self.part[axis]);
                    for (row, to) in part.chunks_exact_mut(self.part[2]).enumerate() {
                        let (z, y) = (start[0] + row / self.part[1], start[1] + row % self.part[1]);
                        let from = (z * self.side + y) * self.side + start[2];
                        to.copy_from_slice(&data[from..from + self.part[2]]);
                    }
                    let offset = encoded.len() as u64;
                    self.codec.encode(bytes_of(&part), &mut encoded);
                    index.extend(offset.to_le_bytes());
                    index.extend((encoded.len() as u64 - offset).to_le_bytes());
                }
                if self.is_sharded {
                    let checksum = crc_fast::crc32_iscsi(&index);
                    index.extend(checksum.to_le_bytes());
                    encoded.extend(index);
                }
                let path = self.path(cell);
                let written = path.with_extension("written");
                fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
                fs::write(&written, encoded)
                    .and_then(|()| fs::rename(written, path))
                    .expect("written");
            });
    }
}

/// Returns an array of `uint16` as one of `T`, which is the only type of the cubes.
fn typed<T: Element + 'static>(array: ArrayD<u16>) -> Result<ArrayD<T>> {
    let array: Box<dyn Any> = Box::new(array);
    array
        .downcast()
        .map(|array| *array)
        .or_else(|_| lacks("other types than uint16"))
}

impl Implementation for Bare {
    type Array = Cube;

    fn open(place: &Place, cache: u64) -> Result<Cube> {
        Cube::open(place, cache)
    }

    fn read<T: Element>(cube: &Cube, region: &Region) -> Result<ArrayD<T>> {
        let whole = vec![[0, cube.side as u64, 1]; 3];
        let region = if region.is_empty() { &whole } else { region };
        if region.iter().any(|[_, _, step]| *step != 1) {
            return lacks("regions with a step");
        }
        typed(cube.read(&[0, 1, 2].map(|axis| region[axis][0] as usize..region[axis][1] as usize)))
    }

    fn write<T: Element>(cube: &Cube, region: &Region, data: &ArrayD<T>) -> Result<()> {
        let data: &dyn Any = data;
        match (
            region.is_empty(),
            data.downcast_ref::<ArrayD<u16>>()
                .and_then(|data| data.as_slice()),
        ) {
            (true, Some(data)) => {
                cube.write(data);
                Ok(())
            }
            _ => lacks("partial writes"),
        }
    }

    fn read_concurrently<T: Element>(_: &Cube, _: &[Region]) -> Result<Vec<ArrayD<T>>> {
        lacks("concurrent reads")
    }

    fn points<T: Element>(_: &Cube, _: &[Vec<u64>]) -> Result<ArrayD<T>> {
        lacks("single points")
    }

    fn append<T: Element>(_: &mut Cube, _: &ArrayD<T>) -> Result<()> {
        lacks("appends")
    }

    fn open_many(_: &Place, _: u64) -> Result<u64> {
        lacks("groups")
    }

    fn list(_: &Place) -> Result<u64> {
        lacks("groups")
    }

    fn list_consolidated(_: &Place) -> Result<u64> {
        lacks("groups")
    }

    fn plan(_: &Cube) -> Result<u64> {
        lacks("plans")
    }

    fn shrink(_: &Place) -> Result<()> {
        lacks("shrinking")
    }
}
