//! What everything takes at one moment.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

/// Bytes on the disk and in memory, by program.
#[derive(Debug, Default)]
pub struct Sample {
    /// How many orders had ended.
    pub ended: u64,
    /// What its folder takes.
    pub disk: BTreeMap<&'static str, u64>,
    /// What is resident.
    pub memory: BTreeMap<&'static str, u64>,
    /// The most that was ever resident.
    pub peak: BTreeMap<&'static str, u64>,
}

impl Sample {
    /// Adds a program with its process and the folder of its store.
    pub fn take(&mut self, name: &'static str, process: u32, store: &Path) {
        self.disk.insert(name, on_disk(store));
        // Only Linux says it so; elsewhere memory is not judged.
        self.memory.extend(in_memory(process, "VmRSS:").map(|bytes| (name, bytes)));
        self.peak.extend(in_memory(process, "VmHWM:").map(|bytes| (name, bytes)));
    }
}

/// What a folder takes with all that is in it. A file that goes meanwhile takes nothing.
pub fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => on_disk(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    bytes.sum()
}

fn in_memory(process: u32, which: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix(which))?;
    Some(kib.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The milliseconds of CPU that a process took so far, its own and the kernel's for it; none where nobody tells.
pub fn cpu(process: u32) -> Option<u64> {
    cpu_of(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn cpu_of(stat: &str) -> Option<u64> {
    // What stands before may have spaces in it: the name.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * MS_PER_TICK)
}

/// Linux counts a hundred ticks a second for every program, whatever the kernel's own clock does.
const MS_PER_TICK: u64 = 10;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_what_the_process_and_the_kernel_for_it_took() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 900 0 0 0 123 45 7 8 20 0 4 0 999 1 2 3";
        assert_eq!(cpu_of(stat), Some(1680));
        assert_eq!(cpu_of("nonsense"), None);
    }

    #[test]
    fn a_folder_takes_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(on_disk(&folder.path().join("missing")), 0);
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/file"), vec![1; 10_000]).unwrap();
        assert!(on_disk(folder.path()) >= 10_000);
    }
}
