using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Modular.Audit.Tests;

/// <summary>What a receiver of a sink got in one request.</summary>
public sealed record Delivery(string Id, string Body, string ContentType, DateTimeOffset At, int Answer)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public IReadOnlyList<JsonElement> Entries => [.. Json.GetProperty("data").GetProperty("entries").EnumerateArray()];

    public IReadOnlyList<long> Positions => [.. Entries.Select(entry => entry.GetProperty("position").GetInt64())];
}

/// <summary>Somebody whom the log is pushed to, in this process; checks every signature by the words of the specification.</summary>
public sealed class Receiver : IDisposable
{
    private readonly WebApplication _host;
    private readonly ConcurrentQueue<Delivery> _deliveries = new();
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    public Receiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _host = builder.Build();
        _host.MapPost("/sink", Take);
        _host.StartAsync().GetAwaiter().GetResult();
        Url = $"{_host.Urls.First()}/sink";
    }

    public string Url { get; }

    public string Secret => $"whsec_{Convert.ToBase64String(_key)}";

    /// <summary>How the next request is answered; null: it is taken.</summary>
    public Func<HttpContext, Task<int?>>? Answers { get; set; }

    public IReadOnlyList<Delivery> All => [.. _deliveries];

    public IReadOnlyList<Delivery> Taken => [.. _deliveries.Where(delivery => delivery.Answer == 200)];

    public int Forged { get; private set; }

    public void Dispose() => _host.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task Take(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        string Header(string name) => context.Request.Headers[name].ToString();
        var signed = Encoding.UTF8.GetBytes($"{Header("webhook-id")}.{Header("webhook-timestamp")}.{body}");
        if (!Header("webhook-signature").Split(' ').Contains($"v1,{Convert.ToBase64String(HMACSHA256.HashData(_key, signed))}"))
            Forged++;
        var answer = Answers is { } answers ? await answers(context) ?? 200 : 200;
        _deliveries.Enqueue(new Delivery(Header("webhook-id"), body, context.Request.ContentType!, DateTimeOffset.UtcNow, answer));
        context.Response.StatusCode = answer;
    }
}
