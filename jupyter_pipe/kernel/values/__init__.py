"""Values as bytes and back: encoding, decoding, content digests and differences."""
