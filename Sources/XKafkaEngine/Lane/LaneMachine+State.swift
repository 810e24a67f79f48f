import DequeModule

/// What the machine keeps.
extension LaneMachine {
    struct Waiting {
        let item: Item
        let ticket: LaneTicket
    }

    /// What waits for one of the lane's places to come free.
    enum LineEntry {
        case unordered(Waiting)
        /// Whichever message of the domain is first by then.
        case domain(UInt64)
    }

    struct Lane {
        /// How many are between start and end.
        var running = 0
        var line: Deque<LineEntry> = []
    }

    /// The last message that each partition acknowledged.
    struct LastAcknowledged {
        private var sequences: [UInt64: UInt64] = [:]
        /// The one written last, which is not in `sequences` yet: reports come by the partition, many at a time.
        private var latest: (partition: UInt64, sequence: UInt64)?

        mutating func note(_ sequence: UInt64, in partition: UInt64) {
            if let latest, latest.partition == partition {
                self.latest = (partition, max(latest.sequence, sequence))
            } else {
                if let latest { sequences[latest.partition] = latest.sequence }
                latest = (partition, max(sequences[partition] ?? 0, sequence))
            }
        }

        /// Whether a later one is known; of this partition, unless `nil`.
        func isLater(than sequence: UInt64, in partition: UInt64?) -> Bool {
            if let latest, latest.sequence > sequence, partition == nil || partition == latest.partition { return true }
            guard let partition else { return sequences.values.contains { $0 > sequence } }
            return sequences[partition] ?? 0 > sequence
        }
    }
}
