#if SimulatedDefects
    /// Mistakes that can be switched on, one at a time, to see that the simulator finds them.
    ///
    /// Compiled only with the package trait `SimulatedDefects`, which is off by default.
    package enum SimulatedDefect: String, Sendable, CaseIterable {
        // In the tracker and the map.
        case frontierPassesRunningMessages, gapsHoldTheFrontier, endOfPartitionIsForgotten, mapTellsOneTooMany
        // In the partition's state.
        case staleEndsCount, ledgerIsOffByOne, returnedCountsAsDone
        case finishedIsHandedOutAgain, inheritedCompletionsAreForgotten, deadLettersHoldTheFrontier
        // In the rebalance machine.
        case anyTokenAnswers, lostPartitionsAreCommitted, cancelledHandlersAreWaitedFor
        case revocationsAreNotCommitted, stopWaitsForRevocations
        // In how the cores are carried out.
        case retryLosesItsPlace, timerIsLost, deadLetterIsNotAwaited, handlersStartWhileDraining,
            answersMeetAnotherEpoch

        @TaskLocal package static var current: SimulatedDefect?

        /// Whether this one is switched on.
        package var isOn: Bool { Self.current == self }
    }
#endif
