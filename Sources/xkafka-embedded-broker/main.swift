import Foundation
import XKafkaTesting

exit(EmbeddedBrokerProcess.run(arguments: Array(CommandLine.arguments.dropFirst())))
