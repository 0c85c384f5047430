use std::{collections::VecDeque, sync::PoisonError};

use super::{Recorder, buffer::Pending};
use crate::{
    Timestamp,
    audit::{Action, AuditEvent, Detail, RequestRecord},
    engine::{observe, timeout::within},
    id::{EventId, KeyId, OrgId, WriterId, with_time},
    store::{Batch, Recorded, StoreError, StoreErrorKind},
};

/// What a flush that was interrupted leaves to the next one.
#[derive(Debug, Default)]
pub(super) struct Flush {
    writer: Option<Writer>,
    /// The first may have been sent already: it is sent again unchanged under the same number, so
    /// that it counts once.
    queue: VecDeque<Piece>,
    made_ids: u64,
}

#[derive(Debug)]
struct Writer {
    id: WriterId,
    /// The number of the last batch that is known to be recorded.
    recorded: u64,
}

/// Events with their ids, as many as go into a batch.
#[derive(Debug)]
struct Piece {
    batch: Batch,
    /// How many of the events the buffer counts.
    buffered: usize,
    /// A writer of its own has been tried: the store's refusal is about the events.
    refused: bool,
}

impl Recorder {
    /// Writes everything that was pushed before this call. May be dropped at any point: the next
    /// call goes on where this one was.
    pub(in crate::engine) async fn flush(&self) -> Result<(), StoreError> {
        let mut flush = self.flush.lock().await;
        let result = self.flush_locked(&mut flush).await;
        self.note_result(result.as_ref().copied());
        observe::buffered(self.buffer.len());
        result
    }

    async fn flush_locked(&self, flush: &mut Flush) -> Result<(), StoreError> {
        self.send_queue(flush).await?;
        self.collect(flush).await?;
        self.send_queue(flush).await
    }

    /// Gives ids to all that waits and cuts it into pieces.
    async fn collect(&self, flush: &mut Flush) -> Result<(), StoreError> {
        let nothing = self.waiting() == 0;
        if nothing {
            return Ok(());
        }
        let writer = self.writer(flush).await?;
        // From here to the queue nothing waits: no event can get lost in between.
        let mut ids = Ids { writer, made: &mut flush.made_ids };
        let mut events: Vec<(AuditEvent, usize)> = Vec::new();
        for Pending { at, org, key, record } in self.buffer.take() {
            events.push((request_event(ids.next(at), at, org, key, record), 1));
        }
        let counted = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        for live in counted {
            for (id, at, record) in live.tally().fetch(|at| ids.next(at)) {
                events.push((request_event(id, at, live.org.clone(), live.key, record), 0));
            }
        }
        let mut rest = events.into_iter().peekable();
        while rest.peek().is_some() {
            let mut piece = Piece { batch: Batch::new(writer, 0, Vec::new()), buffered: 0, refused: false };
            for (event, buffered) in rest.by_ref().take(self.options.batch_size.max(1)) {
                piece.batch.events.push(event);
                piece.buffered += buffered;
            }
            flush.queue.push_back(piece);
        }
        Ok(())
    }

    async fn send_queue(&self, flush: &mut Flush) -> Result<(), StoreError> {
        while !flush.queue.is_empty() {
            self.writer(flush).await?;
            let Flush { writer: Some(writer), queue, .. } = flush else { continue };
            let Some(piece) = queue.front_mut() else { continue };
            piece.batch.writer = writer.id;
            piece.batch.sequence = writer.recorded + 1;
            // It stays in the queue while it is sent: whoever comes next sends it again.
            let sent = self.store.record(&piece.batch);
            let answer = within(&*self.clock, self.options.store_timeout, "record", sent).await;
            match answer {
                Ok(Recorded::Applied | Recorded::AlreadyApplied) => {
                    writer.recorded += 1;
                    if let Some(piece) = queue.pop_front() {
                        self.buffer.recorded(piece.buffered);
                        self.drained.notify(usize::MAX);
                    }
                }
                Ok(Recorded::UnknownWriter) => flush.writer = None,
                Err(error) if error.kind() == StoreErrorKind::Rejected => self.refused(flush, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The store refused the first piece: nothing of it was written. Perhaps it has lost count of
    /// this writer (a restored backup); then another one helps. Otherwise the piece is halved
    /// until the culprit is alone, which becomes a gap and does not block the rest.
    fn refused(&self, flush: &mut Flush, error: &StoreError) {
        let Some(mut piece) = flush.queue.pop_front() else { return };
        if !piece.refused {
            piece.refused = true;
            flush.writer = None;
            flush.queue.push_front(piece);
            return;
        }
        let events = &mut piece.batch.events;
        if events.len() > 1 {
            let second = events.split_off(events.len() / 2);
            // Requests come first, counted denials last: the front holds the buffered ones.
            let buffered = piece.buffered.min(events.len());
            let second = Batch::new(piece.batch.writer, 0, second);
            flush.queue.push_front(Piece {
                batch: second,
                buffered: piece.buffered - buffered,
                refused: true,
            });
            flush.queue.push_front(Piece { buffered, ..piece });
            return;
        }
        observe::event_refused(error);
        match events.first_mut().filter(|event| event.action != Action::AuditGap) {
            Some(event) => {
                *event = gap_instead_of(event);
                flush.queue.push_front(piece);
            }
            None => {
                self.buffer.recorded(piece.buffered);
                self.drained.notify(usize::MAX);
            }
        }
    }

    /// The open writer, opened if there is none.
    async fn writer(&self, flush: &mut Flush) -> Result<WriterId, StoreError> {
        if let Some(writer) = &flush.writer {
            return Ok(writer.id);
        }
        let fresh = self.ids.next(self.clock.wall(), &*self.entropy).map_err(|source| {
            StoreError::new(StoreErrorKind::Unavailable, "open_writer").with_source(source)
        })?;
        let id = WriterId::from_bytes(fresh);
        within(&*self.clock, self.options.store_timeout, "open_writer", self.store.open_writer(id)).await?;
        flush.writer = Some(Writer { id, recorded: 0 });
        Ok(id)
    }
}

/// Makes ids that sort by the time of their event and that no other writer makes.
struct Ids<'a> {
    writer: WriterId,
    made: &'a mut u64,
}

impl Ids<'_> {
    fn next(&mut self, at: Timestamp) -> EventId {
        *self.made += 1;
        // Seven bytes of time, then four of the writer's random ones and five of a count.
        let [_, _, _, _, _, _, _, _, _, _, _, _, w @ ..] = *self.writer.as_bytes();
        let [_, _, _, count @ ..] = self.made.to_be_bytes();
        let mut bytes = [0; 16];
        for (byte, part) in bytes.iter_mut().skip(7).zip(w.into_iter().chain(count)) {
            *byte = part;
        }
        EventId::from_bytes(with_time(u64::try_from(at.as_micros()).unwrap_or(0), bytes))
    }
}

fn request_event(id: EventId, at: Timestamp, org: OrgId, key: KeyId, record: RequestRecord) -> AuditEvent {
    let mut event = AuditEvent::new(id, at, org, Action::Request);
    event.key = Some(key);
    event.detail = Detail::Request(record);
    event
}

fn gap_instead_of(event: &AuditEvent) -> AuditEvent {
    let lost = event.request().map_or(1, RequestRecord::requests);
    let mut gap = AuditEvent::new(event.id, event.at, event.org.clone(), Action::AuditGap);
    gap.detail = Detail::Gap { lost };
    gap
}
