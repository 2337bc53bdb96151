//! One mail as it stands in an mbox file: the line that separates it from the one before, three lines of ours, the letter,
//! an empty line. Lines of the letter that would separate are quoted with a `>`, and so are those that look quoted.
//!
//! Invariant: what reads as a mail is that mail, whole. A write that was cut off, zeros and damage do not read as one.
//!
//! - `X-Mail-Check` is the CRC-32 of all of it but this line and the empty line at its end.
//! - `X-Mail-Key` is the order and the template: an order has one mail of each.
//! - `Content-Length` is what mail readers take it for: the bytes of the body as it stands in the file.

use jiff::Timestamp;

const SEPARATOR: &str = "From ";
const CHECK: &str = "X-Mail-Check: ";
const KEY: &str = "X-Mail-Key: ";
const LENGTH: &str = "Content-Length: ";

/// A mail to be written.
pub struct Entry {
    /// What makes it the same mail when it comes again.
    pub key: String,
    /// How it stands in the file.
    pub bytes: Vec<u8>,
}

/// A mail that was kept in a folder, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The order and the template, such as `o-1.order_completed`.
    pub key: String,
    /// The letter, without what the file adds to it. Its lines end in `\n`.
    pub letter: String,
}

/// A mail as it was found in a file.
pub struct Found<'b> {
    pub key: &'b str,
    /// How it stands there.
    letter: &'b [u8],
    /// How many bytes all of it takes.
    length: usize,
}

impl Entry {
    /// The mail of this key. `letter` is as it goes over the wire; the same mail is the same entry, byte for byte.
    pub fn new(key: String, sender: &str, at: Timestamp, letter: &[u8]) -> Entry {
        let separator = format!("{SEPARATOR}{sender} {}\n", at.strftime("%a %b %e %H:%M:%S %Y"));
        let headers = letter.windows(4).position(|it| it == b"\r\n\r\n").map_or(letter.len(), |end| end + 2);
        let body = quoted(letter.get(headers + 2..).unwrap_or_default());
        let ours = format!("{KEY}{key}\n{LENGTH}{}\n", body.len());
        let rest = [ours.as_bytes(), &quoted(&letter[..headers]), b"\n", &body].concat();
        let check = format!("{CHECK}{}\n", figure(separator.as_bytes(), &rest));
        Entry { key, bytes: [separator.as_bytes(), check.as_bytes(), &rest, b"\n"].concat() }
    }
}

impl Found<'_> {
    pub fn kept(&self) -> Kept {
        let lines = self.letter.split_inclusive(|byte| *byte == b'\n');
        let unquoted = |line: &[u8]| usize::from(line.starts_with(b">") && separates(line));
        let letter: Vec<_> = lines.flat_map(|line| &line[unquoted(line)..]).copied().collect();
        Kept { key: self.key.to_owned(), letter: String::from_utf8_lossy(&letter).into_owned() }
    }
}

/// The mails at the beginning of `bytes`, up to the first that is not whole, and where that begins.
pub fn whole(bytes: &[u8]) -> (Vec<Found<'_>>, usize) {
    let (mut mails, mut end) = (Vec::new(), 0);
    while let Some(mail) = first(&bytes[end..]) {
        end += mail.length;
        mails.push(mail);
    }
    (mails, end)
}

/// The mail at the beginning of `bytes`; none where there is none that is whole.
fn first(bytes: &[u8]) -> Option<Found<'_>> {
    let mut rest = bytes;
    let separator = line(&mut rest)?;
    let said = value(line(&mut rest)?, CHECK)?;
    let checked = rest;
    let key = value(line(&mut rest)?, KEY)?;
    let body: usize = value(line(&mut rest)?, LENGTH)?.parse().ok()?;
    let headers = rest.windows(2).position(|it| it == b"\n\n")? + 2;
    let (letter, rest) = rest.split_at_checked(headers.checked_add(body)?)?;
    let checked = &checked[..checked.len() - rest.len()];
    let whole =
        separator.starts_with(SEPARATOR.as_bytes()) && rest.starts_with(b"\n") && said == figure(separator, checked);
    whole.then(|| Found { key, letter, length: bytes.len() - rest.len() + 1 })
}

/// Takes the first line, with its end.
fn line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.split_off(..=end)
}

fn value<'b>(line: &'b [u8], name: &str) -> Option<&'b str> {
    str::from_utf8(line).ok()?.strip_prefix(name)?.strip_suffix('\n')
}

fn figure(separator: &[u8], rest: &[u8]) -> String {
    let mut crc = crc32fast::Hasher::new();
    crc.update(separator);
    crc.update(rest);
    format!("{:08x}", crc.finalize())
}

/// The lines of `text` as an mbox has them: each ends in `\n`, and none separates.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if separates(line) {
            lines.push(b'>');
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        lines.extend(line.strip_suffix(b"\r").unwrap_or(line));
        lines.push(b'\n');
    }
    lines
}

/// Whether a line would begin a mail, or looks as if it were quoted for that.
fn separates(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    line[quotes..].starts_with(SEPARATOR.as_bytes())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn written(key: &str, letter: &str) -> Entry {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        Entry::new(key.to_owned(), "orders@shop.example", at, letter.as_bytes())
    }

    /// A short mail.
    pub fn entry(key: &str) -> Entry {
        written(key, &format!("To: alice\r\n\r\nThis is {key}.\r\n"))
    }

    /// The bytes of a mail with this letter.
    fn bytes(letter: &str) -> Vec<u8> {
        written("o-1.order_completed", letter).bytes
    }

    #[test]
    fn a_mail_stands_in_the_file_as_mail_readers_expect_it() {
        let bytes = bytes("Subject: Hello\r\nTo: alice@example.com\r\n\r\nHello,\r\n\r\nFrom here on\r\n");
        let expected = "From orders@shop.example Fri Jan  2 03:04:05 2026\nX-Mail-Check: 4c346444\n\
            X-Mail-Key: o-1.order_completed\nContent-Length: 22\nSubject: Hello\nTo: alice@example.com\n\n\
            Hello,\n\n>From here on\n\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_letter_comes_back_whatever_its_lines_begin_with() {
        for body in
            ["", "a\n", "\n\n", "From \n\nFrom a\n>From b\n>>From c\n> From d\n>\nFrom: e\n.\n", "\nX-Mail-Key: x\n"]
        {
            let letter = format!("Subject: Hello\n\n{body}");
            let bytes = bytes(&letter.replace('\n', "\r\n"));
            let text = format!("\n{}", str::from_utf8(&bytes).unwrap());
            assert_eq!(text.matches("\nFrom ").count(), 1, "{text}");
            let twice = [&bytes[..], &bytes].concat();
            let (found, end) = whole(&twice);
            let kept = Kept { key: "o-1.order_completed".to_owned(), letter };
            assert_eq!(found.iter().map(Found::kept).collect::<Vec<_>>(), [kept.clone(), kept]);
            assert_eq!(end, twice.len());
        }
    }

    #[test]
    fn a_letter_that_lacks_the_end_of_a_line_or_its_body_is_whole_nevertheless() {
        for (letter, kept) in [("A: b\r\n\r\nc", "A: b\n\nc\n"), ("A: b\r\n", "A: b\n\n"), ("A: b", "A: b\n\n")] {
            assert_eq!(first(&bytes(letter)).unwrap().kept().letter, kept);
        }
    }

    #[test]
    fn no_part_of_a_mail_and_no_damaged_one_reads() {
        let bytes = bytes("Subject: Hello\r\n\r\nHello,\r\n\r\nFrom here on\r\n");
        for end in 0..bytes.len() {
            assert!(first(&bytes[..end]).is_none(), "{end} of {} bytes", bytes.len());
            let zeros = [&bytes[..end], &vec![0; bytes.len() - end]].concat();
            assert!(first(&zeros).is_none(), "zeros from {end} on");
        }
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(first(&damaged).is_none(), "bit {at}");
        }
    }
}
