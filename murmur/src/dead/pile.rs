//! The letters of the stream, read page by page: as many as there are, never all at once.

use std::collections::HashSet;

use chassis::{Client, Pages, Start, ambient};
use events::DEAD_LETTERS;
use jiff::Timestamp;

use super::{filters::Filters, letter::Letter};
use crate::{Error, progress::Progress};

/// The letters that fit, in the order in which they were parked.
pub(super) struct Pile<'f> {
    pages: Pages,
    filters: &'f Filters,
    left: usize,
    now: Timestamp,
    progress: Progress,
}

impl<'f> Pile<'f> {
    /// The first `limit` letters that fit `filters`.
    pub async fn of(client: &Client, filters: &'f Filters, limit: Option<usize>) -> Result<Pile<'f>, Error> {
        let pages = client.pages(DEAD_LETTERS, &filters.subjects(), filters.start()).await?;
        let progress = Progress::of("dead letters read");
        Ok(Pile { pages, filters, left: limit.unwrap_or(usize::MAX), now: ambient::now(), progress })
    }

    /// Some more letters, perhaps none; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Letter>>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(page) = self.pages.next().await? else { return Ok(None) };
        self.progress.add(page.len());
        let letters = page.iter().map(Letter::read).filter(|letter| self.filters.take(letter, self.now));
        let letters: Vec<_> = letters.take(self.left).collect();
        self.left -= letters.len();
        Ok(Some(letters))
    }
}

/// The letters with these numbers, each once. One that is not there is an error, before anything is done.
pub(super) async fn numbered(client: &Client, numbers: &[u64]) -> Result<Vec<Letter>, Error> {
    // Where nothing was ever parked there is no stream perhaps, and that has a sentence of its own.
    client.stream(DEAD_LETTERS).await?;
    let (mut letters, mut missing, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    for number in numbers.iter().copied().filter(|number| known.insert(*number)) {
        match client.message(DEAD_LETTERS, number).await? {
            Some(message) => letters.push(Letter::read(&message)),
            None => missing.push(number.to_string()),
        }
    }
    match missing.is_empty() {
        true => Ok(letters),
        false => Err(Error::NoSuchLetter(missing.join(", "))),
    }
}

/// All letters about the events that `chosen` are about: other services may have parked the same event.
pub(super) async fn with_siblings(client: &Client, chosen: Vec<Letter>) -> Result<Vec<Letter>, Error> {
    let same = |it: &Letter| (it.letter.event_id.clone(), it.letter.subject.clone(), it.letter.body.clone());
    let events: HashSet<_> = chosen.iter().map(same).collect();
    let mut pages = client.pages(DEAD_LETTERS, "dead.>", Start::Sequence(1)).await?;
    let mut progress = Progress::of("dead letters compared");
    let mut letters = Vec::new();
    while let Some(page) = pages.next().await? {
        progress.add(page.len());
        letters.extend(page.iter().map(Letter::read).filter(|letter| events.contains(&same(letter))));
    }
    Ok(letters)
}

/// The letters that are meant: those with these numbers, or those that fit. Naming none is refused.
pub(super) async fn chosen(
    client: &Client,
    numbers: &[u64],
    filters: &Filters,
    limit: Option<usize>,
) -> Result<Vec<Letter>, Error> {
    if !numbers.is_empty() {
        return numbered(client, numbers).await;
    }
    let mut pile = Pile::of(client, filters, limit).await?;
    let mut letters = Vec::new();
    while let Some(some) = pile.next().await? {
        letters.extend(some);
    }
    Ok(letters)
}
