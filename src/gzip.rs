//! Gzip files as gzip reads them: members one after another, and zeros below the last (`docs/format.md`, rule 1).

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// Unpacks all members of a gzip file; the zeros that tapes and archives fill up with are skipped.
pub struct Members<R> {
    /// Nothing once the last member was read.
    member: Option<GzDecoder<R>>,
}

/// Bytes read from a file at once.
const AHEAD: usize = 1 << 15;

/// Unpacks what a reader gives.
pub fn unpack<R: Read>(packed: R) -> Members<BufReader<R>> {
    Members::new(BufReader::with_capacity(AHEAD, packed))
}

impl<R: BufRead> Members<R> {
    fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(bytes)?;
            if count > 0 || bytes.is_empty() {
                return Ok(count);
            }
            let packed = self.member.take().map(GzDecoder::into_inner);
            if let Some(mut packed) = packed
                && skip_zeros(&mut packed)?
            {
                self.member = Some(GzDecoder::new(packed));
            }
        }
        Ok(0)
    }
}

/// Skips zeros; whether anything follows them.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = packed.fill_buf()?;
        let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
        let more = zeros < ahead.len();
        if more || ahead.is_empty() {
            packed.consume(zeros);
            return Ok(more);
        }
        packed.consume(zeros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).expect("memory");
        packed.finish().expect("memory")
    }

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        // A short buffer, so that members and zeros are met in pieces.
        Members::new(io::BufReader::with_capacity(3, packed)).read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_and_zeros() {
        let zeros = [0; 1024];
        for packed in [
            [member(b"ab"), member(b"c")].concat(),
            [member(b""), member(b"abc"), zeros.to_vec()].concat(),
            [member(b"a"), zeros.to_vec(), member(b"bc")].concat(),
        ] {
            assert_eq!(unpacked(&packed).expect("gzip"), b"abc");
        }
        for packed in [[member(b"abc"), b"\0x".to_vec()].concat(), member(b"abc")[..20].to_vec()] {
            assert!(unpacked(&packed).is_err());
        }
    }
}
