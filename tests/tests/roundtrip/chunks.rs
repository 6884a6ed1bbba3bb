//! Chunks of elements, encoded, decoded and read by plans.

use super::*;

/// An array of shape [5, 6] in encoded chunks of [3, 4].
pub(super) struct Stored {
    layout: Arc<ArrayLayout>,
    objects: BTreeMap<String, Bytes>,
}

pub(super) const SHAPE: [u64; 2] = [5, 6];

pub(super) const CHUNK: [u64; 2] = [3, 4];

pub(super) fn bind(data_type: &Value, codecs: &[Value]) -> Result<Arc<ArrayLayout>, Error> {
    let bound = REGISTRY.bind_data_type(&serde_json::from_value(data_type.clone()).unwrap())?;
    let fill: Value = serde_json::from_str(&bound.fill_value_to_json(&bound.zero())).unwrap();
    let document = json!({
        "zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": data_type, "fill_value": fill,
        "chunk_grid": extension("regular", json!({"chunk_shape": CHUNK})),
        "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
    });
    let metadata = ArrayMetadata::parse(document.to_string().as_bytes())?;
    Ok(Arc::new(ArrayLayout::bind(&metadata, &REGISTRY)?))
}

pub(super) fn chunk_data(data_type: &DataType, elements: &[Vec<u8>]) -> ChunkData {
    let bytes = elements.concat();
    if data_type.fixed_size().is_some() {
        return ChunkData::Fixed(bytes);
    }
    let ends = elements.iter().scan(0, |end, element| {
        *end += element.len();
        Some(*end)
    });
    ChunkData::Variable {
        offsets: std::iter::once(0).chain(ends).collect(),
        bytes,
    }
}

/// Returns the elements of a chunk.
pub(super) fn elements_of(data_type: &DataType, data: &ChunkData) -> Vec<Vec<u8>> {
    match data {
        ChunkData::Fixed(bytes) => {
            let size = data_type.fixed_size().unwrap();
            bytes.chunks(size).map(<[u8]>::to_vec).collect()
        }
        ChunkData::Variable { offsets, bytes } => offsets
            .windows(2)
            .map(|ends| bytes[ends[0]..ends[1]].to_vec())
            .collect(),
    }
}

impl Stored {
    /// Encodes the elements of the array through a plan.
    pub(super) fn new(layout: Arc<ArrayLayout>, elements: &[Vec<u8>]) -> Result<Self, Error> {
        let input = match chunk_data(layout.data_type(), elements) {
            ChunkData::Fixed(bytes) => Input::from_vec(bytes, 0),
            ChunkData::Variable { offsets, bytes } => Input::variable(offsets, bytes),
        };
        let resolved = Selection::all().resolve(&SHAPE)?;
        let strides = c_strides(resolved.shape(), layout.data_type());
        let options = WriteOptions::default();
        let plan = WritePlan::new(layout.clone(), "".into(), &resolved, &strides, options);
        let mut objects = BTreeMap::new();
        for object in plan.objects() {
            let mut encode = object.encode(ObjectState::Absent)?;
            let encoded = encode
                .by_ref()
                .map(|job| job.run(&input))
                .collect::<Result<Vec<_>, Error>>()?;
            if let Some(pieces) = object.assemble(encode.finish(encoded))? {
                objects.insert(object.key().to_string(), pieces.concat().into());
            }
        }
        Ok(Self { layout, objects })
    }

    /// Reads a selection through a plan.
    pub(super) fn read(&self, selection: &Selection) -> Result<Vec<Vec<u8>>, Error> {
        let resolved = selection.resolve(&SHAPE)?;
        let len = resolved.elements()?;
        let item_size = self.layout.data_type().fixed_size();
        let size = item_size.unwrap_or(8);
        let output = Output::zeroed::<u8>(len * size)?;
        let plan = ReadPlan::new(self.layout.clone(), "".into(), &resolved);
        let mut chunks = Vec::new();
        let mut objects = plan.start(&output)?.collect::<Vec<_>>();
        let fetches = objects.iter_mut().map(|object| object.attempt());
        let mut work = fetches
            .map(|fetch| fetch.map(Work::Fetch))
            .collect::<Result<Vec<_>, _>>()?;
        while let Some(next) = work.pop() {
            match next {
                Work::Fetch(fetch) => {
                    let body = self.get(fetch.key(), fetch.range());
                    for next in fetch.supply(body)? {
                        work.push(next?);
                    }
                }
                Work::Decode(job) if item_size.is_some() => job.run()?,
                Work::Decode(job) => {
                    let (chunk, encoded) = job.into_parts();
                    // Number 0 is the fill value, an empty element.
                    let number = match encoded {
                        Some(encoded) => {
                            let (offsets, bytes) = chunk.decode_variable(&encoded)?;
                            let data = ChunkData::Variable { offsets, bytes };
                            chunks.push(elements_of(self.layout.data_type(), &data));
                            chunks.len()
                        }
                        None => 0,
                    };
                    chunk.place_variable(u32::try_from(number).unwrap())?;
                }
            }
        }
        drop(objects);
        let bytes = output.into_vec::<u8>(len * size).unwrap();
        let elements = bytes.chunks(size);
        Ok(match item_size {
            Some(_) => elements.map(<[u8]>::to_vec).collect(),
            None => {
                let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap()) as usize;
                let element = |place: &[u8]| match number(&place[..4]) {
                    0 => Vec::new(),
                    chunk => chunks[chunk - 1][number(&place[4..])].clone(),
                };
                elements.map(element).collect()
            }
        })
    }

    pub(super) fn get(&self, key: &str, range: &ByteRange) -> Option<Body> {
        let object = self.objects.get(key)?;
        let object_size = object.len() as u64;
        let range = range.resolve(object_size);
        let index = |offset| usize::try_from(offset).unwrap();
        let bytes = object.slice(index(range.start)..index(range.end));
        Some(Body { bytes, object_size })
    }
}

/// Returns the C-order strides of an array of this shape in bytes; variable-size elements are
/// numbered.
pub(super) fn c_strides(shape: &[usize], data_type: &DataType) -> Vec<isize> {
    let mut stride = data_type.fixed_size().unwrap_or(8).cast_signed();
    let mut strides = vec![0; shape.len()];
    for (place, &len) in strides.iter_mut().zip(shape).rev() {
        *place = stride;
        stride *= len.cast_signed();
    }
    strides
}

/// Builds elements from random bytes, with any bits valid for the data type.
pub(super) fn any_elements(data_type: &DataType, random: &[u8]) -> Vec<Vec<u8>> {
    let len = usize::try_from(SHAPE[0] * SHAPE[1]).unwrap();
    let byte = |place: usize| {
        random[place % random.len()].wrapping_add(u8::try_from(place / random.len() % 256).unwrap())
    };
    let Some(size) = data_type.fixed_size() else {
        return (0..len)
            .map(|number| vec![byte(number) & 0x7f; usize::from(byte(number + 7) % 6)])
            .collect();
    };
    // Bools are 0 or 1, and the upper half of code points is zero.
    let masks: [fn(usize) -> u8; 3] = [|_| 0xff, |_| 1, |place| u8::from(place % 4 == 0)];
    for mask in masks {
        let mut elements = (0..len * size)
            .map(|place| byte(place) & mask(place % size))
            .collect::<Vec<_>>();
        if data_type.admit(&mut elements).is_ok() {
            return elements.chunks(size).map(<[u8]>::to_vec).collect();
        }
    }
    vec![data_type.zero().bytes().to_vec(); len]
}

/// Builds small numbers that every numeric data type holds; `None` for other data types.
pub(super) fn small_numbers(data_type: &DataType, random: &[u8]) -> Option<Vec<Vec<u8>>> {
    let numbers = (0..SHAPE[0] * SHAPE[1]).map(|place| {
        let number = random[usize::try_from(place).unwrap() % random.len()] % 30 + 1;
        let number = serde_json::value::to_raw_value(&number).unwrap();
        Some(data_type.parse_fill_value(&number).ok()?.bytes().to_vec())
    });
    numbers.collect()
}

pub(super) fn number(data_type: &DataType, element: &[u8]) -> f64 {
    let json = data_type.fill_value_to_json(&zarr_core::FillValue::new(element.to_vec()));
    serde_json::from_str(&json).unwrap()
}

/// Masks NaN elements: zfp has no floats below 32 bits, and widening does not preserve the bits of
/// a NaN.
pub(super) fn known(data_type: &DataType, elements: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let known = elements.iter().map(|element| {
        let fill_value = zarr_core::FillValue::new(element.clone());
        let json = data_type.fill_value_to_json(&fill_value);
        (json != "\"NaN\"" && !json.starts_with("\"0x")).then(|| element.clone())
    });
    known.collect()
}

pub(super) fn slice<T: Clone>(elements: &[T], [ys, xs]: &[std::ops::Range<u64>; 2]) -> Vec<T> {
    let places = ys
        .clone()
        .flat_map(|y| xs.clone().map(move |x| y * SHAPE[1] + x));
    places
        .map(|place| elements[usize::try_from(place).unwrap()].clone())
        .collect()
}
