import Testing
import XKafkaTransport

struct JoinNewsTests {
    private func news(_ text: String, facility: String = "CGRPJOINSTATE") -> JoinNews? {
        JoinNews(LogLine(severity: 7, facility: facility, text: text))
    }

    @Test(arguments: ["init", "wait-join", "wait-metadata", "wait-sync"])
    func statesOfJoining(_ state: String) {
        #expect(news(#"Group "a -> b" changed join state steady -> \#(state) (state up)"#)?.isJoining == true)
    }

    @Test(arguments: ["steady", "wait-assign-call", "wait-unassign-call", "wait-incr-unassign-to-complete"])
    func statesOfHavingJoined(_ state: String) {
        #expect(news(#"Group "g" changed join state wait-sync -> \#(state) (state up)"#)?.isJoining == false)
    }

    @Test func otherLinesAreNoNews() {
        #expect(news(#"Group "g" changed join state wait-sync -> steady (state up)"#, facility: "FAIL") == nil)
        #expect(news("Group") == nil)
        #expect(news("") == nil)
    }
}
