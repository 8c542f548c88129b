//! A secured stream. OpenSSL may have to write before a read can continue, and to read before a write
//! can.

use super::queue::Visit;
use super::words::words;
use crate::sys::tls_gate::{self, Kept};
use crate::sys::{self, Watch};
use crate::transport::error::{Error, Stage};
use crate::transport::stream::Stream;
use crate::transport::stream::tcp::Tcp;
use openssl::ssl::{ErrorCode, ShutdownState, SslStream};
use std::io::{self, IoSlice};

/// The most records of one write; OpenSSL takes one of up to 16 KiB at a time. A write that takes less
/// than these means that the socket is full, as with TCP.
const RECORDS: usize = 16;
const RECORD: usize = 16 * 1024;

pub struct TlsStream {
    inner: Kept<SslStream<Tcp>>,
    /// The last read cannot continue until OpenSSL has written.
    read_wants_write: bool,
    /// The last write cannot continue until OpenSSL has read.
    write_wants_read: bool,
    /// The last read found no whole record. The bytes that OpenSSL holds are useless until more arrive.
    is_starved: bool,
}

impl TlsStream {
    pub fn new(inner: Kept<SslStream<Tcp>>) -> TlsStream {
        TlsStream {
            inner,
            read_wants_write: false,
            write_wants_read: false,
            is_starved: false,
        }
    }

    fn write_record(&mut self, buf: &[u8]) -> io::Result<usize> {
        let result = self.inner.ssl_write(buf);
        let code = result.as_ref().err().map(|error| error.code());
        self.write_wants_read = code == Some(ErrorCode::WANT_READ);
        match result {
            Ok(count) => Ok(count),
            Err(error) => match error.code() {
                ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                _ => Err(failure(self.alert().unwrap_or(error))),
            },
        }
    }

    /// Why the broker has closed a stream that takes no more bytes. Its alert may have come before its
    /// reset, and says more than the reset.
    fn alert(&mut self) -> Option<openssl::ssl::Error> {
        let error = self.inner.ssl_read(&mut [0]).err()?;
        error.ssl_error().is_some().then_some(error)
    }
}

impl Stream for TlsStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(_visit) = Visit::enter() else {
            return rest();
        };
        let result = self.inner.ssl_read(buf);
        let code = result.as_ref().err().map(|error| error.code());
        self.read_wants_write = code == Some(ErrorCode::WANT_WRITE);
        self.is_starved = self.read_wants_write || code == Some(ErrorCode::WANT_READ);
        match result {
            Ok(count) => Ok(count),
            Err(_) if self.is_starved => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(0),
            Err(error) => Err(failure(error)),
        }
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Some(_visit) = Visit::enter() else {
            return rest();
        };
        let mut count = self.write_record(buf)?;
        for _ in 1..RECORDS {
            if count == buf.len() {
                break;
            }
            match self.write_record(&buf[count..]) {
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Small pieces are copied into one record, since each record costs more than such a copy. After a
    /// full socket, the next call offers a record of the same bytes, as OpenSSL requires.
    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        let Some(_visit) = Visit::enter() else {
            return rest();
        };
        let mut copy = [0; RECORD];
        let mut count = 0;
        for _ in 0..RECORDS {
            let record = record_behind(pieces, count, &mut copy);
            if record.is_empty() {
                break;
            }
            match self.write_record(record) {
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && count > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    fn has_pending(&self) -> bool {
        !self.is_starved && sys::holds_bytes(self.inner.ssl())
    }

    fn written(&self) -> Option<u64> {
        Some(sys::bytes_written(self.inner.ssl()))
    }

    fn unacked(&self) -> u64 {
        self.inner.get_ref().unacked()
    }

    fn read_waits_to_write(&self) -> bool {
        self.read_wants_write
    }

    fn finish(&mut self) {
        if let Some(_visit) = Visit::enter() {
            // Sends close_notify; an error means that the peer is already gone.
            let _ = self.inner.shutdown();
        }
        // What still arrives is discarded, without OpenSSL.
        self.read_wants_write = false;
        self.write_wants_read = false;
        self.inner.get_mut().finish();
    }

    /// The bytes are discarded without decrypting them, so the bound is that of TCP.
    fn discard(&mut self) -> bool {
        self.inner.get_mut().discard()
    }

    fn watch(&self, want_write: bool) -> Watch {
        let write_waits = want_write && self.write_wants_read;
        Watch {
            read: write_waits || !self.read_wants_write,
            write: self.read_wants_write || want_write && !write_waits,
            ..self.inner.get_ref().watch(want_write)
        }
    }
}

/// OpenSSL discards the session of a connection that ends without close_notify, as TLS 1.0 required.
/// But a lost connection is the one to resume, so it is marked as shut down. After an alert the session
/// is already discarded.
impl Drop for TlsStream {
    fn drop(&mut self) {
        self.inner
            .set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    }
}

/// What follows the first `skip` bytes: a piece that fills a record alone, or else a copy of as many
/// bytes as fit in a record.
fn record_behind<'a>(
    pieces: &'a [IoSlice],
    mut skip: usize,
    copy: &'a mut [u8; RECORD],
) -> &'a [u8] {
    let mut len = 0;
    for piece in pieces {
        let (skipped, piece) = piece.split_at(skip.min(piece.len()));
        skip -= skipped.len();
        if len == 0 && piece.len() >= RECORD {
            return piece;
        }
        let count = piece.len().min(RECORD - len);
        copy[len..len + count].copy_from_slice(&piece[..count]);
        len += count;
    }
    &copy[..len]
}

/// The process is ending: nothing is read or written any more.
fn rest() -> io::Result<usize> {
    tls_gate::rest();
    Err(io::ErrorKind::WouldBlock.into())
}

/// The text of an error that ended an open connection.
fn failure(error: openssl::ssl::Error) -> io::Error {
    match error.into_io_error() {
        Ok(error) => error,
        Err(error) => match error.ssl_error() {
            Some(stack) => {
                let text = format!("connection lost: {}", words(stack));
                io::Error::other(Error::new(Stage::Tls, text))
            }
            None => io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the broker closed it without a TLS close_notify",
            ),
        },
    }
}
