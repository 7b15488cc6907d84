// Certificates for tests alone: their keys stand here, so they prove nothing to nobody. But for `expired` they are valid
// from 2020 to 2120.

import Foundation

public enum TestCertificates {
    /// The files, in a folder of their own.
    public struct Files: Sendable {
        let folder: URL

        /// `name`: one of those below.
        public func path(_ name: String) -> String { folder.appending(path: name + ".pem").path }

        /// A path in the folder for a file of the test's own.
        public func own(_ name: String) -> String { folder.appending(path: name).path }

        public func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    /// Writes all of them; only their owner may read them.
    public static func write() throws -> Files {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sakuin-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = Files(folder: folder)
        for (name, text) in all {
            guard
                FileManager.default.createFile(
                    atPath: files.path(name), contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
        }
        return files
    }

    private static let all = [
        "ca": ca, "otherCA": otherCA, "server": server, "elsewhere": elsewhere, "expired": expired, "client": client,
        "serverKey": serverKey, "clientKey": clientKey,
        "otherKey": otherKey, "stranger": stranger,
    ]

    /// A CA.
    private static let ca = """
        -----BEGIN CERTIFICATE-----
        MIIBbzCCARWgAwIBAgIBETAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTYWt1aW4g
        dGVzdCBvbmx5IGNhMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAe
        MRwwGgYDVQQDDBNTYWt1aW4gdGVzdCBvbmx5IGNhMFkwEwYHKoZIzj0CAQYIKoZI
        zj0DAQcDQgAEbOffjHR6Yki0FRIPbweyTJfLXArOzVmUNtzYYuJKsmX3MNQS/VUW
        G3qRLYkCswLjubti4EBlJFLnHcTdEwFLy6NCMEAwDwYDVR0TAQH/BAUwAwEB/zAO
        BgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFHwMiFIzFiBL2QssdtIgD0DkTRFyMAoG
        CCqGSM49BAMCA0gAMEUCIQDFjtghRU9NndO9nhkzcX7UfKzf2+v7Tr7/ZpKW6MCi
        hwIge8Dr5u6tqXatv/GQNn5iJmYxXd2wYhN8nafGPU3wo94=
        -----END CERTIFICATE-----

        """

    /// Another CA; its key is `otherKey`.
    private static let otherCA = """
        -----BEGIN CERTIFICATE-----
        MIIBdjCCARugAwIBAgIBEjAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZTYWt1aW4g
        dGVzdCBvbmx5IG90aGVyMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
        WjAhMR8wHQYDVQQDDBZTYWt1aW4gdGVzdCBvbmx5IG90aGVyMFkwEwYHKoZIzj0C
        AQYIKoZIzj0DAQcDQgAEsrHjAoAurpzsFZ7lYklBMhC0H3xi8EXTdPzI5gBf00zN
        xHDfnV0UNrZEJoYvoWmXmEumR4qqGnWAYifbAfP556NCMEAwDwYDVR0TAQH/BAUw
        AwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFE0kr6hkzkEakkT8bK4+ZEfc
        sLDaMAoGCCqGSM49BAMCA0kAMEYCIQCnivBuK/iboQVhkP/mZZf/ii6a3f5ub9zm
        9zr9j+hKRAIhAI29Q/DVWyJq5viubEOmhUFM9ithdsbbXIkmZPk0JE4Z
        -----END CERTIFICATE-----

        """

    /// Of `ca`, for localhost, 127.0.0.1 and ::1; its key is `serverKey`.
    private static let server = """
        -----BEGIN CERTIFICATE-----
        MIIB3zCCAYagAwIBAgIBEzAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTYWt1aW4g
        dGVzdCBvbmx5IGNhMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAi
        MSAwHgYDVQQDDBdTYWt1aW4gdGVzdCBvbmx5IHNlcnZlcjBZMBMGByqGSM49AgEG
        CCqGSM49AwEHA0IABOn6Bf924A1P7Ton8z2Fjc3lCzy5EbG+VSQA6qYrjt8+KL5Z
        f3JMJJw1x8sHiaW9IgTvkW7/jUeL0WWZTdqQxRKjga4wgaswDAYDVR0TAQH/BAIw
        ADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0lBBYwFAYIKwYBBQUHAwEGCCsGAQUFBwMC
        MCwGA1UdEQQlMCOCCWxvY2FsaG9zdIcEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATAd
        BgNVHQ4EFgQULA9yHWdJ5agQ/vYvWVkom9/zQQ4wHwYDVR0jBBgwFoAUfAyIUjMW
        IEvZCyx20iAPQORNEXIwCgYIKoZIzj0EAwIDRwAwRAIgXmzI1293EiJc3eXaFAX3
        o614w7tzTykVot7A/UGvg0MCICU6jIxxmi1rPbJuFwqsQ5mRWiF6R46Eb7sYYUS/
        qc7v
        -----END CERTIFICATE-----

        """

    /// Of `ca`, for another host; its key is `serverKey` too.
    private static let elsewhere = """
        -----BEGIN CERTIFICATE-----
        MIIB0jCCAXmgAwIBAgIBFDAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTYWt1aW4g
        dGVzdCBvbmx5IGNhMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAl
        MSMwIQYDVQQDDBpTYWt1aW4gdGVzdCBvbmx5IGVsc2V3aGVyZTBZMBMGByqGSM49
        AgEGCCqGSM49AwEHA0IABOn6Bf924A1P7Ton8z2Fjc3lCzy5EbG+VSQA6qYrjt8+
        KL5Zf3JMJJw1x8sHiaW9IgTvkW7/jUeL0WWZTdqQxRKjgZ4wgZswDAYDVR0TAQH/
        BAIwADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0lBBYwFAYIKwYBBQUHAwEGCCsGAQUF
        BwMCMBwGA1UdEQQVMBOCEWVsc2V3aGVyZS5pbnZhbGlkMB0GA1UdDgQWBBQsD3Id
        Z0nlqBD+9i9ZWSib3/NBDjAfBgNVHSMEGDAWgBR8DIhSMxYgS9kLLHbSIA9A5E0R
        cjAKBggqhkjOPQQDAgNHADBEAiB4EegVqlsSterzZma+Es6264QO+zbrXcifRvQj
        ZccYhwIgFWlgzx0YGih6T+SFxaDOnP/SOewXucQqnptidxurHqA=
        -----END CERTIFICATE-----

        """

    /// Of `ca`, for localhost and 127.0.0.1, until 2 January 2020; its key is `serverKey` too.
    private static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBzTCCAXOgAwIBAgIBFjAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTYWt1aW4g
        dGVzdCBvbmx5IGNhMB4XDTIwMDEwMTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowIzEh
        MB8GA1UEAwwYU2FrdWluIHRlc3Qgb25seSBleHBpcmVkMFkwEwYHKoZIzj0CAQYI
        KoZIzj0DAQcDQgAE6foF/3bgDU/tOifzPYWNzeULPLkRsb5VJADqpiuO3z4ovll/
        ckwknDXHyweJpb0iBO+Rbv+NR4vRZZlN2pDFEqOBnDCBmTAMBgNVHRMBAf8EAjAA
        MA4GA1UdDwEB/wQEAwIHgDAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIw
        GgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMB0GA1UdDgQWBBQsD3IdZ0nlqBD+
        9i9ZWSib3/NBDjAfBgNVHSMEGDAWgBR8DIhSMxYgS9kLLHbSIA9A5E0RcjAKBggq
        hkjOPQQDAgNIADBFAiBnr+JolHalbqLOXEDGJmf0pemmbvAkp3D8DsYw+K43TgIh
        AOJQm7c3COSsNJYmKaml5lC9ILoJduStw1VovlsV1glx
        -----END CERTIFICATE-----

        """

    /// Of `ca`, for a client; its key is `clientKey`.
    private static let client = """
        -----BEGIN CERTIFICATE-----
        MIIBzjCCAXOgAwIBAgIBFTAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTYWt1aW4g
        dGVzdCBvbmx5IGNhMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAi
        MSAwHgYDVQQDDBdTYWt1aW4gdGVzdCBvbmx5IGNsaWVudDBZMBMGByqGSM49AgEG
        CCqGSM49AwEHA0IABFbPVvWVAmitn9lFh4jmxU2ZCLMtQWx7k8CkybaQVtkZm7X2
        vJKYpJs8+CDSc2fxPbq4Nepxt6DcqZ40bBgpL9CjgZswgZgwDAYDVR0TAQH/BAIw
        ADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0lBBYwFAYIKwYBBQUHAwEGCCsGAQUFBwMC
        MBkGA1UdEQQSMBCCDmNsaWVudC5pbnZhbGlkMB0GA1UdDgQWBBTidtxdcpKQOHAw
        7xaDYHcaQPasDTAfBgNVHSMEGDAWgBR8DIhSMxYgS9kLLHbSIA9A5E0RcjAKBggq
        hkjOPQQDAgNJADBGAiEA3TKvDPa2ehDi9qUQk+VO80RXowLoVHwmD4S1YGIrKMIC
        IQCyWi2oNkvhn83YejchIhcdCs/meH5PuCkruhKV7jYblA==
        -----END CERTIFICATE-----

        """

    private static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEvCBkNEtrt28ff9l
        au0xB1PoMa6YhsxZ0E38Fuo9RQShRANCAATp+gX/duANT+06J/M9hY3N5Qs8uRGx
        vlUkAOqmK47fPii+WX9yTCScNcfLB4mlvSIE75Fu/41Hi9FlmU3akMUS
        -----END PRIVATE KEY-----

        """

    private static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoYL0/TezsBImYms+
        yjt+iro5YmIKqmeFEu8bsDg7wZWhRANCAARWz1b1lQJorZ/ZRYeI5sVNmQizLUFs
        e5PApMm2kFbZGZu19rySmKSbPPgg0nNn8T26uDXqcbeg3KmeNGwYKS/Q
        -----END PRIVATE KEY-----

        """

    private static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8FcjKE1eW5MghJ4c
        qj+koNuaHtl7lrEZqOAxHFtJcSyhRANCAASyseMCgC6unOwVnuViSUEyELQffGLw
        RdN0/MjmAF/TTM3EcN+dXRQ2tkQmhi+haZeYS6ZHiqoadYBiJ9sB8/nn
        -----END PRIVATE KEY-----

        """

    /// Of `otherCA`, for a client; its key is `clientKey` too.
    private static let stranger = """
        -----BEGIN CERTIFICATE-----
        MIIBqzCCAVGgAwIBAgIBFzAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZTYWt1aW4g
        dGVzdCBvbmx5IG90aGVyMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
        WjAkMSIwIAYDVQQDDBlTYWt1aW4gdGVzdCBvbmx5IHN0cmFuZ2VyMFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAEVs9W9ZUCaK2f2UWHiObFTZkIsy1BbHuTwKTJtpBW
        2Rmbtfa8kpikmzz4INJzZ/E9urg16nG3oNypnjRsGCkv0KN1MHMwDAYDVR0TAQH/
        BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0O
        BBYEFOJ23F1ykpA4cDDvFoNgdxpA9qwNMB8GA1UdIwQYMBaAFE0kr6hkzkEakkT8
        bK4+ZEfcsLDaMAoGCCqGSM49BAMCA0gAMEUCIQDA31vRrhOvCtGj6Oz44O7OociI
        a3BwjgCbWWUIpLentwIgTStYNJPvZHCTIndS7QwwTgFd4vrUqcP005dx599OMFE=
        -----END CERTIFICATE-----

        """
}
