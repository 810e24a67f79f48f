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
        // In what is made of a log that was reset.
        case resetsAreNotNoticed, messagesBeforeAResetAreTakenForLaterOnes
        // In how the cores are carried out.
        case retryLosesItsPlace, timerIsLost, deadLetterIsNotAwaited, handlersStartWhileDraining,
            answersMeetAnotherEpoch
        // In the producer's lanes.
        case retriesLoseTheirOrder, retriesDoNotWait, overtakenIsSentAgain, followersPassAFailure
        case outcomesAreNotTold, resultsAreToldOutOfOrder, blockedLosesItsPlaceInLine, laneLimitIsIgnored
        case lateReportsAreForgotten, abortForgetsTheFailed

        /// Whether the simulation of the producer's lanes is the one to find it.
        package var isOfLanes: Bool {
            switch self {
            case .retriesLoseTheirOrder, .retriesDoNotWait, .overtakenIsSentAgain, .followersPassAFailure: true
            case .outcomesAreNotTold, .resultsAreToldOutOfOrder, .blockedLosesItsPlaceInLine: true
            case .laneLimitIsIgnored, .lateReportsAreForgotten, .abortForgetsTheFailed: true
            default: false
            }
        }

        @TaskLocal package static var current: SimulatedDefect?

        /// Whether this one is switched on.
        package var isOn: Bool { Self.current == self }
    }
#endif
