extension LaneMachine {
    /// The domains with something under way or waiting.
    ///
    /// A ticket says in which slot its domain was when the message came, and there it is for as long as the message is
    /// under way: only the first look needs a hash. A message that a handler left may be reported later still, when the
    /// slot has another domain; then it is looked for by its key.
    struct DomainTable {
        private struct Slot {
            var domain: Domain
            var isUsed = true
        }

        private var table: ContiguousArray<Slot> = []
        private var unused: [Int] = []
        private var slotsByKey: [UInt64: Int] = [:]

        var isEmpty: Bool { slotsByKey.isEmpty }

        /// Those in use.
        var slots: some Collection<Int> { slotsByKey.values }

        subscript(slot: Int) -> Domain {
            get { table[slot].domain }
            _modify { yield &table[slot].domain }
        }

        /// Where the domain of this key is, from now on if it was nowhere.
        mutating func slot(of key: UInt64) -> Int {
            if let slot = slotsByKey[key] { return slot }
            let slot: Int
            if let last = unused.popLast() {
                slot = last
                table[slot].domain.begin(key: key)
                table[slot].isUsed = true
            } else {
                slot = table.count
                table.append(Slot(domain: Domain(key: key)))
            }
            slotsByKey[key] = slot
            return slot
        }

        /// The same for the domain of a message; `nil` when it keeps no order.
        mutating func slot(of ticket: LaneTicket) -> Int? {
            guard let key = ticket.domain else { return nil }
            return hasDomain(of: key, in: ticket.slot) ? Int(ticket.slot) : slot(of: key)
        }

        /// Where the domain of a message is; `nil` when it is nowhere.
        func knownSlot(of ticket: LaneTicket) -> Int? {
            guard let key = ticket.domain else { return nil }
            return hasDomain(of: key, in: ticket.slot) ? Int(ticket.slot) : slotsByKey[key]
        }

        private func hasDomain(of key: UInt64, in slot: UInt32) -> Bool {
            slot < table.count && table[Int(slot)].isUsed && table[Int(slot)].domain.key == key
        }

        mutating func forgetIfIdle(_ slot: Int) {
            guard table[slot].domain.isIdle else { return }
            table[slot].isUsed = false
            unused.append(slot)
            slotsByKey[table[slot].domain.key] = nil
        }
    }
}
