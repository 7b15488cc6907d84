// main of a program: reads the command line, runs the command, says what is wrong with either.

public import ArgumentParser
public import SakuinTypes

public enum Program {
    /// Runs the command that stands on the command line. What goes wrong is told, and ends the process with `failureCode`;
    /// a command that throws an `ExitCode` has told it. `refusal` says what ArgumentParser has taken for something else.
    public static func run(
        _ root: (some AsyncParsableCommand).Type, failureCode: Int32, tell: @Sendable (String) -> Void,
        refuse: @Sendable (SakuinError) -> Void, refusal: @Sendable (any Error) -> SakuinError? = { _ in nil }
    ) async {
        do {
            var command = try root.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            if error is ExitCode { root.exit(withError: error) }
            if let refused = refusal(error) ?? OptionValue.explain(root.message(for: error), CommandLine.arguments) {
                refuse(refused)
            } else if root.exitCode(for: error).isSuccess {
                root.exit(withError: error)
            } else {
                tell(root.fullMessage(for: error))
            }
            root.exit(withError: ExitCode(failureCode))
        }
    }
}
