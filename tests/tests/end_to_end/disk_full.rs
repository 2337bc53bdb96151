//! A full disk under a service, under load: it stops with a sentence and loses nothing; when there is room, it goes on.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use tests::proof::{Proof, times};

use crate::{load::Load, stack::Stack};

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
        let mut piece = 1 << 20;
        while piece > 0 {
            match filler.write(&vec![0x5A; piece]) {
                Ok(_) => {}
                Err(_) => piece /= 2,
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

#[tokio::test]
async fn a_service_whose_disk_is_full_stops_with_a_sentence_and_goes_on_when_there_is_room() {
    let mut stack = Stack::stocked().await;
    let services = &["payment", "order", "inventory", "shipping", "notification", "view"][..times(2, 6) as usize];
    let disk = match SmallDisk::at(&stack.folder().join("small")) {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: no small disk can be mounted: {why}");
            return Proof { skipped: services.len() as u64, skipped_because: Some(why), ..proof(0) }.record();
        }
    };
    for service in services {
        assert_eq!(stack.terminate(service).await, Some(0));
        crate::lost_stores::copy_folder(&stack.folder().join("data").join(service), &disk.path.join(service));
        stack.start_instance(service, service, "small");
        stack.ready(service).await;
    }
    let load = Load::on(&stack);
    let filling = async {
        for service in services {
            stack.await_more_ends(10).await;
            disk.fill();
            // Whoever meets it first has ended, and so has this one.
            for full in services {
                assert_eq!(stack.process(full).end().await, Some(1), "{full} has to end with an error");
                let said = stack.own_output(full);
                assert!(said.lines().any(|line| line.contains("ERROR") && line.contains("is full")), "{full}:\n{said}");
            }
            // A start without room is refused, and moves nothing away.
            stack.start_instance(service, service, "small");
            assert_eq!(stack.process(service).end().await, Some(1), "{service} has to be refused");
            let said = stack.own_output(service);
            assert!(said.contains("is full") && !said.contains("moved"), "{service}:\n{said}");
            disk.empty();
            for full in services {
                stack.start_instance(full, full, "small");
                stack.ready(full).await;
            }
        }
    };
    let placed = load.orders_during(ORDERS, filling).await;
    stack.check_load(&placed).await;
    for entry in std::fs::read_dir(&disk.path).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(!name.contains("damaged"), "{name}: a full disk is no damage");
    }
    Proof { acknowledged: placed.len() as u64, ..proof(services.len() as u64) }.record();
}
