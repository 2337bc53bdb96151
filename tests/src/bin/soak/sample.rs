//! What everything takes at one moment.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

/// Bytes on the disk and in memory, by program.
#[derive(Debug, Default)]
pub struct Sample {
    /// How many orders had ended.
    pub ended: u64,
    pub disk: BTreeMap<&'static str, u64>,
    pub memory: BTreeMap<&'static str, u64>,
}

impl Sample {
    /// Adds a program with its process and the folder of its store.
    pub fn take(&mut self, name: &'static str, process: u32, store: &Path) {
        self.disk.insert(name, on_disk(store));
        // Only Linux says it so; elsewhere memory is not judged.
        self.memory.extend(in_memory(process).map(|bytes| (name, bytes)));
    }
}

/// What a folder takes with all that is in it. A file that goes meanwhile takes nothing.
fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => on_disk(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    bytes.sum()
}

fn in_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// All samples, a line each, for whoever wants to draw them.
pub fn table(samples: &[Sample]) -> String {
    let columns = |sample: &Sample| {
        let named = |what: &str, taken: &BTreeMap<&'static str, u64>| -> Vec<_> {
            taken.iter().map(|(program, bytes)| (format!("{program} {what}"), *bytes)).collect()
        };
        [named("disk", &sample.disk), named("memory", &sample.memory)].concat()
    };
    let line = |first: String, others: Vec<String>| format!("{first},{}\n", others.join(","));
    let head = samples.first().map_or(Vec::new(), |sample| columns(sample).into_iter().map(|(name, _)| name).collect());
    let lines = samples.iter().map(|sample| {
        line(sample.ended.to_string(), columns(sample).into_iter().map(|(_, bytes)| bytes.to_string()).collect())
    });
    line("orders".to_owned(), head) + &lines.collect::<String>()
}
