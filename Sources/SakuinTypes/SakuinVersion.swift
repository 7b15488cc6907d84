/// The version of this build of Sakuin.
public enum SakuinVersion {
    public static let text = "0.1.0"
}
