use std::collections::VecDeque;

use super::{Recorder, buffer::Pending};
use crate::{
    audit::{Action, AuditEvent, Detail, RequestRecord},
    engine::{cache::Snapshot, denials::Tally, request_start::RequestStart, timeout::within},
    id::{EventId, WriterId},
    store::{Batch, RecordOutcome, StoreError},
};

/// The state that an interrupted flush leaves to the next one.
#[derive(Debug, Default)]
pub(super) struct Flush {
    writer: Option<Writer>,
    /// The pieces to send. The first piece may have been sent already. That piece is sent again unchanged
    /// under the same number, so that the store records it once.
    queue: VecDeque<Piece>,
    /// Single events that the store refused. The store also refused the gap ([`Action::AuditGap`]) that was to
    /// replace the event. The events are kept until the store has recorded another event, because until then
    /// the store may be refusing all events.
    refused: Vec<Piece>,
    /// The store's latest refusal.
    refusal: Option<StoreError>,
    /// An empty list, kept so that its memory is used again.
    taken: Vec<Pending>,
    /// The empty list of a batch that was recorded, kept so that its memory is used again.
    written: Vec<AuditEvent>,
}

/// A writer that is open in the store.
#[derive(Debug)]
struct Writer {
    id: WriterId,
    /// The number of the last batch that is known to be recorded.
    recorded: u64,
}

/// The events of a batch that is not recorded yet.
#[derive(Debug)]
struct Piece {
    batch: Batch,
    /// The number of the events that the buffer still counts as not recorded.
    buffered: usize,
    /// True if another writer was opened after the store first refused the events.
    rewritten: bool,
    /// The event that the store refused, if the piece contains a gap in place of that event.
    original: Option<Box<AuditEvent>>,
    /// True if the store has recorded other events since it refused this piece.
    is_culprit: bool,
}

/// The number of single events refused in a row after which a flush gives up and returns an error.
const MAX_REFUSED: usize = 1_000;

impl Piece {
    const fn new(batch: Batch) -> Self {
        Self { batch, buffered: 0, rewritten: false, original: None, is_culprit: false }
    }

    fn into_culprit(mut self) -> Self {
        self.is_culprit = true;
        self
    }
}

impl Recorder {
    /// Records all events that were added before this call. The future may be dropped at any point. The next
    /// flush then continues where this one stopped.
    pub(in crate::engine) async fn flush(&self) -> Result<(), StoreError> {
        let mut flush = self.flush.lock().await;
        let result = self.flush_locked(&mut flush).await;
        self.note_result(result.as_ref().copied());
        self.observer.buffered(self.buffer.len());
        result
    }

    async fn flush_locked(&self, flush: &mut Flush) -> Result<(), StoreError> {
        self.send_queue(flush).await?;
        self.collect(flush).await?;
        flush.queue.extend(std::mem::take(&mut flush.refused));
        self.send_queue(flush).await?;
        match flush.refusal.take() {
            Some(error) if !flush.refused.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Moves all waiting events into pieces.
    async fn collect(&self, flush: &mut Flush) -> Result<(), StoreError> {
        if self.waiting() == 0 {
            return Ok(());
        }
        let writer = self.writer(flush).await?;
        // Nothing is awaited from here to the queue, so that no event can get lost in between.
        let size = self.options.batch_size.max(1);
        let Flush { queue, taken, written, .. } = flush;
        self.buffer.take(taken);
        let requests = taken.len();
        let mut add = |event, buffered| {
            if queue.back().is_none_or(|piece| piece.batch.events.len() >= size) {
                let mut events = std::mem::take(written);
                events.reserve(requests.min(size));
                queue.push_back(Piece::new(Batch::new(writer, 0, events)));
            }
            if let Some(piece) = queue.back_mut() {
                piece.batch.events.push(event);
                piece.buffered += buffered;
            }
        };
        for Pending { start, key, record } in taken.drain(..) {
            add(self.request_event(start, &key, record), 1);
        }
        for key in self.take_counted() {
            for (start, record) in key.live.with_tally(Tally::fetch) {
                add(self.request_event(start, &key, record), 0);
            }
        }
        taken.shrink_to(size.saturating_mul(2));
        Ok(())
    }

    async fn send_queue(&self, flush: &mut Flush) -> Result<(), StoreError> {
        let already_refused = flush.refused.len();
        while !flush.queue.is_empty() {
            self.writer(flush).await?;
            let Flush { writer: Some(writer), queue, .. } = flush else { continue };
            let Some(piece) = queue.front_mut() else { continue };
            piece.batch.writer = writer.id;
            piece.batch.sequence = writer.recorded + 1;
            // The piece stays in the queue while it is sent, so that the next flush sends the piece again if
            // this flush is dropped.
            let sent = self.store.record(&piece.batch);
            let answer = within(&*self.clock, self.options.store_timeout, "record", sent).await;
            match answer {
                Ok(RecordOutcome::Applied | RecordOutcome::AlreadyApplied) => {
                    writer.recorded += 1;
                    if let Some(piece) = queue.pop_front() {
                        self.remove(&piece);
                        flush.written = piece.batch.events;
                        flush.written.clear();
                    }
                    queue.extend(flush.refused.drain(..).map(Piece::into_culprit));
                }
                Ok(RecordOutcome::UnknownWriter) => flush.writer = None,
                Err(error) if error.is_temporary() => return Err(error),
                Err(error) => {
                    self.narrow_down(flush, &error);
                    if flush.refused.len() >= already_refused + MAX_REFUSED {
                        return Err(error);
                    }
                    flush.refusal = Some(error);
                }
            }
        }
        Ok(())
    }

    /// Handles the store's refusal of the first piece, of which nothing was written.
    ///
    /// The store may have lost the number of the writer's last batch, for example when a backup was restored.
    /// Therefore the piece is first sent again under another writer. If the store refuses the piece again,
    /// the piece is halved until the refused event is alone, and a gap replaces that event. If the store
    /// refuses the gap as well, the event waits until the store has recorded other events. The event is then
    /// sent again, and after it its gap. If the store refuses both, the event is dropped.
    fn narrow_down(&self, flush: &mut Flush, error: &StoreError) {
        let Some(mut piece) = flush.queue.pop_front() else { return };
        if !piece.rewritten {
            piece.rewritten = true;
            flush.writer = None;
            flush.queue.push_front(piece);
            return;
        }
        let events = &mut piece.batch.events;
        if events.len() > 1 {
            let mut second =
                Piece::new(Batch::new(piece.batch.writer, 0, events.split_off(events.len() / 2)));
            second.rewritten = true;
            // Requests come before counted denials, so the first half has the buffered ones.
            second.buffered = piece.buffered.saturating_sub(events.len());
            piece.buffered -= second.buffered;
            flush.queue.push_front(second);
            flush.queue.push_front(piece);
            return;
        }
        let Some(event) = events.first_mut() else { return };
        match piece.original.take() {
            None => {
                let gap = gap_in_place_of(event);
                piece.original = Some(Box::new(std::mem::replace(event, gap)));
                self.observer.event_refused(error, true);
                flush.queue.push_front(piece);
            }
            Some(original) if !piece.is_culprit => {
                *event = *original;
                flush.refused.push(piece);
            }
            Some(_) => {
                self.observer.event_refused(error, false);
                self.remove(&piece);
            }
        }
    }

    /// Removes the events of a piece from the buffer's count.
    fn remove(&self, piece: &Piece) {
        self.buffer.recorded(piece.buffered);
        self.drained.notify(usize::MAX);
    }

    fn request_event(&self, start: RequestStart, key: &Snapshot, mut record: RequestRecord) -> AuditEvent {
        let id = self.ids.id(start.tick);
        record.meta.ensure_id(|| id);
        let mut event = AuditEvent::new(EventId::from_bytes(id), start.at, key.org.clone(), Action::Request);
        event.key = Some(key.key);
        event.detail = Detail::Request(record);
        event
    }

    /// Returns the open writer. If no writer is open, opens a writer.
    async fn writer(&self, flush: &mut Flush) -> Result<WriterId, StoreError> {
        if let Some(writer) = &flush.writer {
            return Ok(writer.id);
        }
        let id = WriterId::from_bytes(self.ids.next(self.clock.wall()));
        within(&*self.clock, self.options.store_timeout, "open_writer", self.store.open_writer(id)).await?;
        flush.writer = Some(Writer { id, recorded: 0 });
        Ok(id)
    }
}

fn gap_in_place_of(event: &AuditEvent) -> AuditEvent {
    let lost = event.request().map_or(1, RequestRecord::requests);
    let mut gap = AuditEvent::new(event.id, event.at, event.org.clone(), Action::AuditGap);
    gap.detail = Detail::Gap { lost };
    gap
}
