import Testing

@testable import ExampleSupport

@Suite struct ExampleEnvironmentTests {
    @Test func defaults() throws {
        let environment = try ExampleEnvironment(["XKAFKA_TOPIC": "  "])
        #expect(environment.brokers == ["127.0.0.1:9092"])
        #expect(environment.topic == "xkafka-example")
        #expect(environment.groupID == "xkafka-example-group")
        #expect(environment.partition == 0)
        #expect(environment.httpPort == 8_080)
        #expect(environment.timeout == .seconds(30))
    }

    @Test func valuesAreTrimmed() throws {
        let environment = try ExampleEnvironment([
            "XKAFKA_BROKERS": " a:1 , b:2 ,, ", "XKAFKA_TOPIC": " t ", "XKAFKA_GROUP_ID": "g ",
            "XKAFKA_PARTITION": " 7", "XKAFKA_HTTP_PORT": "0", "XKAFKA_TIMEOUT": "1m30.5s",
        ])
        #expect(environment.brokers == ["a:1", "b:2"])
        #expect(environment.topic == "t")
        #expect(environment.groupID == "g")
        #expect(environment.partition == 7)
        #expect(environment.httpPort == 0)
        #expect(environment.timeout == .milliseconds(90_500))
    }

    @Test(arguments: [
        ("XKAFKA_BROKERS", " , ", "XKAFKA_BROKERS is empty"),
        ("XKAFKA_PARTITION", "x", "parse XKAFKA_PARTITION: \"x\" is not a 32-bit number"),
        ("XKAFKA_PARTITION", "-1", "XKAFKA_PARTITION must be >= 0, got -1"),
        ("XKAFKA_HTTP_PORT", "65536", "parse XKAFKA_HTTP_PORT: \"65536\" is not a number from 0 to 65535"),
        ("XKAFKA_TIMEOUT", "5", "parse XKAFKA_TIMEOUT: \"5\" is not a duration such as 500ms, 30s or 1m30s"),
        ("XKAFKA_TIMEOUT", "-5s", "XKAFKA_TIMEOUT must be > 0, got -5s"),
        ("XKAFKA_TIMEOUT", "0", "XKAFKA_TIMEOUT must be > 0, got 0"),
    ])
    func badValues(name: String, value: String, text: String) {
        #expect(throws: ExampleError(text)) { try ExampleEnvironment([name: value]) }
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("2h", .seconds(7_200)), ("1us", .microseconds(1)),
        ("3ns", .nanoseconds(3)), ("+1s", .seconds(1)),
    ])
    func durations(text: String, duration: Duration) {
        #expect(Duration(parsing: text) == duration)
    }

    @Test(arguments: ["", "s", "1", "1x", "1s2", "--1s", "1..5s"])
    func notDurations(text: String) {
        #expect(Duration(parsing: text) == nil)
    }
}
