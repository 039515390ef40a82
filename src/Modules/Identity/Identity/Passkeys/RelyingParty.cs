using System.Buffers.Text;
using System.Formats.Cbor;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>As whom we speak to authenticators: the domain that passkeys belong to, its name, and our own origin.</summary>
internal sealed record PasskeyParty(string Id, string Name, string Origin);

/// <summary>What a browser is asked to do, and what we have to remember until it has.</summary>
internal sealed record PasskeyCeremony(JsonObject Options, string State);

/// <summary>A new key that its authenticator has shown to have.</summary>
internal sealed record AttestedKey(
    string CredentialId, string PublicKey, long Counter, bool IsSynced, bool BackedUp, IReadOnlyList<string> Transports, string Aaguid);

/// <summary>A known key that its authenticator has shown to have.</summary>
internal sealed record AssertedKey(long Counter, bool BackedUp);

/// <summary>
/// WebAuthn, by the framework's handler: challenges, origins, domains, flags and signatures are its affair. What it is asked
/// and what it answers is put into the words of contract §7.4 here.
/// </summary>
internal sealed class RelyingParty(
    PasskeyStore passkeys, IOptions<PasskeyOptions> options, IOptions<MailOptions> mail, IOptions<AuthOptions> auth, PublicAddress address,
    ILogger<UserManager<User>> log)
{
    /// <summary>A hint to browsers, contract §7.4.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    // ES256 and RS256. Upstream offers EdDSA (-8) too, which the framework does not verify; who can do that can do ES256.
    private static readonly int[] Algorithms = [-7, -257];

    private const int MostTransports = 10;

    public PasskeyParty PartyFor(HttpContext context)
    {
        var id = options.Value.RpId ?? address.For(context).Host;
        return new PasskeyParty(id, options.Value.RpName ?? mail.Value.AppName ?? id, address.OriginFor(context));
    }

    /// <summary>What a browser makes a new key with.</summary>
    /// <param name="party">As whom.</param>
    /// <param name="user">For whom.</param>
    /// <param name="name">What the authenticator calls the account; null: the address.</param>
    /// <param name="attachment"><c>platform</c>, <c>cross-platform</c> or null: any.</param>
    public async Task<PasskeyCeremony> Create(PasskeyParty party, User user, string? name, string? attachment)
    {
        // Nameless, because the handler would write the names into what is remembered.
        var nameless = new PasskeyUserEntity { Id = user.Id, Name = "", DisplayName = "" };
        var made = await HandlerFor(party, attachment).MakeCreationOptionsAsync(nameless, new DefaultHttpContext());
        var asked = JsonNode.Parse(made.CreationOptionsJson)!.AsObject();
        asked["rp"]!["name"] = party.Name;
        asked["user"]!["name"] = string.IsNullOrEmpty(name) ? user.Email : name;
        asked["user"]!["displayName"] = user.Email;
        asked["extensions"] = new JsonObject { ["credProps"] = true };
        asked.Remove("attestationFormats");
        return new PasskeyCeremony(asked, made.AttestationState!);
    }

    /// <summary>What a browser finds a known key with; of whoever is signed in only their own are asked for.</summary>
    public async Task<PasskeyCeremony> Request(PasskeyParty party, User? user)
    {
        var known = user is not null && (await passkeys.GetPasskeysAsync(user, CancellationToken.None)).Count > 0 ? user : null;
        var made = await HandlerFor(party).MakeRequestOptionsAsync(known, new DefaultHttpContext());
        var asked = JsonNode.Parse(made.RequestOptionsJson)!.AsObject();
        asked.Remove("hints");
        if (known is null)
            asked.Remove("allowCredentials");
        return new PasskeyCeremony(asked, made.AssertionState!);
    }

    /// <summary>The new key; null when what the browser brought does not prove it here and now, or it is known already.</summary>
    public async Task<AttestedKey?> Attest(PasskeyParty party, JsonElement response, string state)
    {
        var result = await HandlerFor(party).PerformAttestationAsync(new()
        {
            CredentialJson = Complete(response),
            AttestationState = state,
            HttpContext = new DefaultHttpContext(),
        });
        if (!result.Succeeded || !CoseKey.IsStrong(result.Passkey.PublicKey))
            return null;
        var made = result.Passkey;
        return new AttestedKey(
            Base64Url.EncodeToString(made.CredentialId), Convert.ToBase64String(made.PublicKey), made.SignCount, made.IsBackupEligible,
            made.IsBackedUp, [.. (made.Transports ?? []).Where(IsTransport).Take(MostTransports)], AaguidOf(made.AttestationObject));
    }

    /// <summary>The key as its authenticator has it now; null when what the browser brought does not prove it here and now.</summary>
    public async Task<AssertedKey?> Assert(PasskeyParty party, JsonElement response, string state)
    {
        var result = await HandlerFor(party).PerformAssertionAsync(new()
        {
            CredentialJson = Complete(response),
            AssertionState = state,
            HttpContext = new DefaultHttpContext(),
        });
        return result.Succeeded ? new AssertedKey(result.Passkey.SignCount, result.Passkey.IsBackedUp) : null;
    }

    private PasskeyHandler<User> HandlerFor(PasskeyParty party, string? attachment = null)
    {
        var users = new UserManager<User>(passkeys, Options.Create(new IdentityOptions()), null!, [], [], null!, null!, null!, log);
        return new PasskeyHandler<User>(users, Options.Create(new IdentityPasskeyOptions
        {
            ServerDomain = party.Id,
            AuthenticatorTimeout = Timeout,
            AuthenticatorAttachment = attachment,
            AttestationConveyancePreference = "none",
            ResidentKeyRequirement = "preferred",
            UserVerificationRequirement = "preferred",
            IsAllowedAlgorithm = algorithm => Algorithms.Contains(algorithm),
            ValidateOrigin = page => ValueTask.FromResult(!page.CrossOrigin && IsOurs(page.Origin, party)),
        }));
    }

    private bool IsOurs(string origin, PasskeyParty party) => options.Value.Origins.Count > 0
        ? options.Value.Origins.Contains(origin)
        : origin == party.Origin || auth.Value.TrustedOrigins.Any(pattern => TrustedUrls.Matches(origin, pattern));

    // The client keeps the results of extensions to itself, and the handler insists on them.
    private static string Complete(JsonElement response)
    {
        if (response.ValueKind != JsonValueKind.Object)
            return "null";
        var complete = new Dictionary<string, JsonElement>();
        foreach (var member in response.EnumerateObject())
            complete[member.Name] = member.Value;
        complete["clientExtensionResults"] = JsonElement.Parse("{}");
        return JsonSerializer.Serialize(complete);
    }

    // The only thing that the browser says by itself: "usb", "internal", "smart-card".
    private static bool IsTransport(string? text) =>
        text is { Length: > 0 and <= 32 } && text.All(character => char.IsAsciiLetterLower(character) || character == '-');

    // Which make of authenticator it is, as it says itself: behind the hash of the domain, the flags and the counter.
    private static string AaguidOf(byte[] attestationObject)
    {
        const int At = 37, Length = 16;
        var reader = new CborReader(attestationObject);
        for (reader.ReadStartMap(); reader.PeekState() != CborReaderState.EndMap; reader.SkipValue())
        {
            if (reader.ReadTextString() == "authData")
                return new Guid(reader.ReadByteString().AsSpan(At, Length), bigEndian: true).ToString();
        }

        return Guid.Empty.ToString();
    }
}
