/// The group coordinator: who is a member, which generation it is, and who has which partition.
final class SimulatedGroup {
    /// What librdkafka reports to a member.
    enum Report: Equatable {
        case assigned([Int])
        case revoked([Int])
        case lost
    }

    struct Membership {
        let instance: Int
        var generation = 0
        /// What it was given and has not given back, its revocations under way included.
        var owned: Set<Int> = []
    }

    private enum Phase {
        case stable
        /// Partitions are being given back; `target` says whose they will be.
        case revoking(target: [Int])
    }

    let setup: SimulationSetup
    private(set) var memberships: [Membership?]
    private(set) var generation = 0
    private(set) var rebalances = 0
    private var phase = Phase.stable
    /// Whether somebody joined or left since the last rebalance.
    private(set) var needsRebalance = false
    /// What members have not been told yet, by slot.
    var inboxes: [[Report]]

    init(_ setup: SimulationSetup) {
        self.setup = setup
        memberships = Array(repeating: nil, count: setup.memberCount)
        inboxes = Array(repeating: [], count: setup.memberCount)
    }

    var isStable: Bool { if case .stable = phase { true } else { false } }

    func isMember(_ slot: Int, _ instance: Int) -> Bool { memberships[slot]?.instance == instance }

    func join(_ slot: Int, _ instance: Int) {
        if memberships[slot] != nil { remove(slot) }
        memberships[slot] = Membership(instance: instance, generation: generation)
        inboxes[slot] = []
        needsRebalance = true
    }

    /// The member left, or its session timed out.
    func remove(_ slot: Int) {
        guard memberships[slot] != nil else { return }
        memberships[slot] = nil
        inboxes[slot] = []
        needsRebalance = true
        completeIfPossible()
    }

    func gaveBack(_ slot: Int, _ partitions: [Int]) {
        memberships[slot]?.owned.subtract(partitions)
        completeIfPossible()
    }

    /// Starts a rebalance. `false` while one is under way, or nobody is there.
    func rebalance(_ choice: Int) -> Bool {
        let present = memberships.indices.filter { memberships[$0] != nil }
        guard isStable, !present.isEmpty, inboxes.allSatisfy(\.isEmpty) else { return false }
        rebalances += 1
        needsRebalance = false
        let target = (0..<setup.partitionCount).map { present[(choice / 7 + $0 * (1 + choice % 3)) % present.count] }
        if setup.isCooperative { nextGeneration() }
        for slot in present {
            guard let owned = memberships[slot]?.owned else { continue }
            let revoked = owned.filter { !setup.isCooperative || target[$0] != slot }
            if !revoked.isEmpty { inboxes[slot].append(.revoked(revoked.sorted())) }
        }
        phase = .revoking(target: target)
        completeIfPossible()
        return true
    }

    private func completeIfPossible() {
        guard case .revoking(let target) = phase else { return }
        for (slot, membership) in memberships.enumerated() {
            guard let membership else { continue }
            guard membership.owned.allSatisfy({ setup.isCooperative && target[$0] == slot }) else { return }
        }
        phase = .stable
        nextGeneration()
        for (slot, membership) in memberships.enumerated() {
            guard let membership else { continue }
            let new = target.indices.filter { target[$0] == slot && !membership.owned.contains($0) }
            guard !new.isEmpty else { continue }
            memberships[slot]?.owned.formUnion(new)
            inboxes[slot].append(.assigned(new))
        }
        // A target that has left meanwhile.
        if target.contains(where: { memberships[$0] == nil }) { needsRebalance = true }
    }

    private func nextGeneration() {
        generation += 1
        for slot in memberships.indices { memberships[slot]?.generation = generation }
    }
}
