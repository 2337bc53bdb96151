//! A full disk under a service, under load: it stops with a sentence and loses nothing; when there is room, it goes on.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use tests::proof::{Proof, times};

use crate::{load::Load, lost_stores::copy_folder, stack::Stack};

/// At least.
const ORDERS: usize = 60;

/// A small disk of its own. It needs root.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// A disk of a few megabytes at `path`; why not, where that cannot be.
    fn at(path: &Path) -> Result<SmallDisk, String> {
        std::fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(path).output();
        let mounted = mounted.map_err(|error| format!("there is no mount: {error}"))?;
        match mounted.status.success() {
            true => Ok(SmallDisk { path: path.to_owned() }),
            false => Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned()),
        }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.path.join("filler")).unwrap();
        // What is left when a large piece does not fit, a smaller one fills.
        let mut piece = 1 << 20;
        while piece > 0 {
            if filler.write_all(&vec![0x5A; piece]).is_err() {
                piece /= 2;
            }
        }
    }

    /// Gives all of it back.
    fn empty(&self) {
        std::fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Who still writes to it is killed by the stack.
        Command::new("umount").arg("--lazy").arg(&self.path).status().ok();
    }
}

fn proof(tried: u64) -> Proof {
    Proof {
        part: "disk-full".to_owned(),
        fault: "the disk of a service's store is full".to_owned(),
        tried,
        repeat: "just prove disk-full".to_owned(),
        ..Proof::default()
    }
}

/// A small disk for each of `services`, by its name.
fn disks<'a>(stack: &Stack, services: &[&'a str]) -> Result<BTreeMap<&'a str, SmallDisk>, String> {
    let disk = |service: &&'a str| Ok((*service, SmallDisk::at(&stack.folder().join(small(service)))?));
    services.iter().map(disk).collect()
}

fn small(service: &str) -> String {
    format!("small-{service}")
}

#[tokio::test]
async fn a_service_whose_disk_is_full_stops_with_a_sentence_and_goes_on_when_there_is_room() {
    let mut stack = Stack::stocked().await;
    let services = &["payment", "order", "inventory", "shipping", "notification", "view"][..times(2, 6) as usize];
    let disks = match disks(&stack, services) {
        Ok(disks) => disks,
        Err(why) => {
            println!("skipped: no small disk can be mounted: {why}");
            return Proof { skipped: services.len() as u64, skipped_because: Some(why), ..proof(0) }.record();
        }
    };
    for (service, disk) in &disks {
        assert_eq!(stack.terminate(service).await, Some(0));
        copy_folder(&stack.folder().join("data").join(service), &disk.path.join(service));
        stack.start_instance(service, service, &small(service));
        stack.ready(service).await;
    }
    let load = Load::on(&stack);
    let filling = async {
        for (service, disk) in &disks {
            stack.await_more_ends(10).await;
            disk.fill();
            // A start without room is refused like a commit, and moves nothing away.
            for _ in 0..2 {
                assert_eq!(stack.process(service).end().await, Some(1), "{service} has to end with an error");
                let said = stack.own_output(service);
                assert!(said.contains("ERROR") && said.contains("is full: make room"), "{service}:\n{said}");
                stack.start_instance(service, service, &small(service));
            }
            assert_eq!(stack.process(service).end().await, Some(1), "{service} has to be refused");
            disk.empty();
            stack.start_instance(service, service, &small(service));
            stack.ready(service).await;
        }
    };
    let placed = load.orders_during(ORDERS, filling).await;
    stack.check_load(&placed).await;
    for (service, disk) in &disks {
        assert!(!disk.path.join(format!("{service}.damaged-1")).exists(), "{service}: a full disk is no damage");
    }
    Proof { acknowledged: placed.len() as u64, ..proof(services.len() as u64) }.record();
}
