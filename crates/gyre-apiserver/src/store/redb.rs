//! The journal in a redb file: one thread writes, and every commit holds all changes that came during the last one.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::watch;

use super::journal::{Journal, JournalError, Loaded, Record};
use crate::limits::GROUP_MAX;

/// `shelf NUL key` → revision in eight bytes, then the object.
const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const REVISION: &str = "revision";
const FILE: &str = "gyre.redb";

/// A redb file with its writer.
#[derive(Debug)]
pub(crate) struct Disk {
    place: String,
    database: Arc<Database>,
    queue: Mutex<Option<Sender<Record>>>,
    done: watch::Receiver<Result<u64, String>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Opens a file and gives back space that is free; `None` where the file is not what it says. The library asserts what
/// it reads, and a file that was cut off is no reason for a panic's words.
fn opened(path: &Path) -> Option<Result<Database, redb::Error>> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(|| {
        let mut database = Database::create(path)?;
        database.compact()?;
        Ok(database)
    });
    std::panic::set_hook(hook);
    drop(guard);
    opened.ok()
}

impl Disk {
    /// Opens the file in a directory, which is made where it is missing, and gives back space that is free.
    pub(crate) fn open(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join(FILE);
        let place = path.display().to_string();
        let fail = |why: &dyn std::fmt::Display| JournalError { place: place.clone(), why: why.to_string() };
        std::fs::create_dir_all(directory).map_err(|why| fail(&why))?;
        let damaged = "the file is damaged: move it away to begin anew, or bring it back from a copy";
        let database = opened(&path).ok_or_else(|| fail(&damaged))?;
        let database = database.map_err(|why| match why {
            redb::Error::Corrupted(_) => fail(&damaged),
            redb::Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => fail(&damaged),
            why => fail(&why),
        })?;
        let database = Arc::new(database);
        let (queue, records) = mpsc::channel();
        // What an earlier run wrote is durable: a request that changes nothing waits for no write.
        let stored = read_revision(&database).map_err(|why| fail(&why))?;
        let (progress, done) = watch::channel(Ok(stored));
        let written = database.clone();
        let writer = thread::Builder::new()
            .name("gyre-journal".into())
            .spawn(move || write_all(&written, &records, &progress))
            .map_err(|why| fail(&why))?;
        Ok(Self { place, database, queue: Mutex::new(Some(queue)), done, writer: Mutex::new(Some(writer)) })
    }

    fn fail(&self, why: &dyn std::fmt::Display) -> JournalError {
        JournalError { place: self.place.clone(), why: why.to_string() }
    }

    fn read_all(&self) -> Result<Loaded, redb::Error> {
        let read = self.database.begin_read()?;
        let mut loaded = Loaded { revision: read_revision(&self.database)?, ..Loaded::default() };
        if loaded.revision == 0 {
            return Ok(loaded);
        }
        for row in read.open_table(OBJECTS)?.iter()? {
            let (key, value) = row?;
            let (Some((shelf, key)), Some((revision, bytes))) =
                (key.value().split_once('\0'), value.value().split_first_chunk::<8>())
            else {
                continue;
            };
            let object = Bytes::copy_from_slice(bytes);
            loaded.objects.push((shelf.into(), key.into(), u64::from_be_bytes(*revision), object));
        }
        Ok(loaded)
    }
}

impl Journal for Disk {
    fn load(&self) -> Result<Loaded, JournalError> {
        self.read_all().map_err(|why| self.fail(&why))
    }

    fn submit(&self, record: Record) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = &*queue {
            // A writer that has ended has said why; `durable` tells it.
            let _ = queue.send(record);
        }
    }

    fn durable(&self, revision: u64) -> Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send + '_>> {
        let mut done = self.done.clone();
        Box::pin(async move {
            let reached = |state: &Result<u64, String>| state.as_ref().map_or(true, |at| *at >= revision);
            match done.wait_for(reached).await.as_deref() {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(why)) => Err(self.fail(why)),
                Err(_) => Err(self.fail(&"the server has stopped")),
            }
        })
    }

    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

/// The revision of the last change in the file; 0 where there is none.
fn read_revision(database: &Database) -> Result<u64, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
        Ok(meta) => Ok(meta.get(REVISION)?.map_or(0, |it| it.value())),
    }
}

fn write_all(database: &Database, records: &Receiver<Record>, progress: &watch::Sender<Result<u64, String>>) {
    while let Ok(first) = records.recv() {
        let mut group = vec![first];
        group.extend(records.try_iter().take(GROUP_MAX - 1));
        match write_group(database, &group) {
            Ok(()) => {
                let last = group.last().map_or(0, |it| it.revision);
                let _ = progress.send_replace(Ok(last));
            }
            Err(why) => {
                let _ = progress.send_replace(Err(why.to_string()));
                return;
            }
        }
    }
}

fn write_group(database: &Database, group: &[Record]) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    {
        let mut objects = write.open_table(OBJECTS)?;
        for record in group {
            let key = format!("{}\0{}", record.shelf, record.key);
            match &record.bytes {
                Some(bytes) => {
                    let mut value = Vec::with_capacity(8 + bytes.len());
                    value.extend_from_slice(&record.revision.to_be_bytes());
                    value.extend_from_slice(bytes);
                    objects.insert(key.as_str(), value.as_slice())?;
                }
                None => {
                    objects.remove(key.as_str())?;
                }
            }
        }
        let mut meta = write.open_table(META)?;
        meta.insert(REVISION, group.last().map_or(0, |it| it.revision))?;
    }
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_an_earlier_run_wrote_is_durable() {
        let directory = tempfile::tempdir().unwrap();
        let record = Record {
            shelf: "configmaps".into(),
            key: "default/one".into(),
            revision: 7,
            bytes: Some(Bytes::from_static(b"{}")),
        };
        let first = Disk::open(directory.path()).unwrap();
        first.submit(record);
        first.durable(7).await.unwrap();
        drop(first);

        let second = Disk::open(directory.path()).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), second.durable(7)).await;
        answer.unwrap().unwrap();
        let loaded = second.load().unwrap();
        assert_eq!(loaded.revision, 7);
        assert_eq!(loaded.objects.len(), 1);
    }
}
