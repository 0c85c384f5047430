/// A rule of the protocol that the instances of a simulation break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// An instance extends its lease before the store knows which changes the instance has applied.
    LeaseExtendedBeforeAcknowledgement,
    /// A lease counts from the answer of the store, not from the moment at which the instance asked.
    LeaseCountedFromTheAnswer,
    /// The wall clock does not end a lease.
    LeaseWithoutTheWallClock,
    /// A verification looks into the cache first and checks the lease afterwards.
    CacheBeforeLease,
    /// A verification uses the result of a read that began before the verification.
    MissJoinsAnEarlierRead,
    /// A row that was read before a change is cached after the change.
    FillDuringAnEviction,
    /// A change of a deleted key returns at once.
    NotFoundReturnsAtOnce,
    /// A change that another call has made already returns at once.
    NothingToDoReturnsAtOnce,
    /// The instance of a call keeps its own entries if there was nothing to change.
    NoOwnEvictionWithoutAChange,
    /// The instance of a call keeps its own entries if the commit was not answered.
    NoOwnEvictionAfterAnError,
    /// The instance of a call keeps its own entries if the caller no longer waits.
    NoOwnEvictionWhenDropped,
    /// A change of a plan evicts nothing.
    PlanChangeEvictsNothing,
    /// An instance whose registration was removed goes on.
    FencedInstanceGoesOn,
    /// An instance goes on although the log no longer has all changes since its last renewal.
    GapInTheLogIgnored,
    /// A call counts the time that it waits for other instances from before its commit.
    WaitCountedFromBeforeTheCommit,
    /// A call waits exactly as long as the lease, although clocks run at different speeds.
    WaitWithoutMargin,
}

impl Bug {
    pub(crate) const ALL: [Self; 16] = [
        Self::LeaseExtendedBeforeAcknowledgement,
        Self::LeaseCountedFromTheAnswer,
        Self::LeaseWithoutTheWallClock,
        Self::CacheBeforeLease,
        Self::MissJoinsAnEarlierRead,
        Self::FillDuringAnEviction,
        Self::NotFoundReturnsAtOnce,
        Self::NothingToDoReturnsAtOnce,
        Self::NoOwnEvictionWithoutAChange,
        Self::NoOwnEvictionAfterAnError,
        Self::NoOwnEvictionWhenDropped,
        Self::PlanChangeEvictsNothing,
        Self::FencedInstanceGoesOn,
        Self::GapInTheLogIgnored,
        Self::WaitCountedFromBeforeTheCommit,
        Self::WaitWithoutMargin,
    ];
}
