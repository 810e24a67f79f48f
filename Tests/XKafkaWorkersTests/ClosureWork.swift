import XKafkaWorkers

/// Elements and their keys.
struct ElementList<Element: Sendable>: ElementBundle {
    let elements: [(element: Element, key: UInt64)]

    var count: Int { elements.count }
    func element(_ number: Int) -> Element { elements[number].element }
    func key(_ number: Int) -> UInt64 { elements[number].key }
}

/// Work that is said in closures.
struct ClosureWork<Element: Sendable>: ElementWork {
    let onPark: @Sendable (ParkedKey, Element) -> Void
    /// Called with what is finished: at once for an element by itself, later for one of a run.
    let onEnd: @Sendable (Element) -> Void
    let body: @Sendable (Element) async -> WorkOutcome<Element>

    func work(_ element: Element) async -> WorkOutcome<Element> {
        let outcome = await body(element)
        if case .finished = outcome { onEnd(element) }
        return outcome
    }

    func work(_ number: Int, of bundle: ElementList<Element>) async -> WorkOutcome<Element>? {
        let outcome = await body(bundle.element(number))
        if case .finished = outcome { return nil }
        return outcome
    }

    func end(_ numbers: Range<Int>, of bundle: ElementList<Element>) {
        for number in numbers { onEnd(bundle.element(number)) }
    }

    func parked(_ key: ParkedKey, _ element: Element) { onPark(key, element) }
}

func makePool<Element>(
    shardCount: Int,
    pace: WorkPace = WorkPace(),
    onPark: @escaping @Sendable (ParkedKey, Element) -> Void = { _, _ in },
    onEnd: @escaping @Sendable (Element) -> Void = { _ in },
    work: @escaping @Sendable (Element) async -> WorkOutcome<Element>
) -> WorkerPool<ClosureWork<Element>> {
    WorkerPool(ClosureWork(onPark: onPark, onEnd: onEnd, body: work), shardCount: shardCount, pace: pace)
}
