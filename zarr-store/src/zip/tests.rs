//! Archives made here, byte by byte, so that every field can lie; what real writers make is read in `tests/peers.rs`.
