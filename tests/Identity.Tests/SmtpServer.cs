using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Modular.Identity.Tests;

/// <summary>A mail server on a port of its own that keeps what it gets; it may refuse, or never answer.</summary>
internal sealed class SmtpServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    public SmtpServer()
    {
        listener.Start();
        running = Run();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>The answer to RCPT TO; null: the server goes silent once connected.</summary>
    public string? Recipient { get; set; } = "250 fine";

    public int Conversations;

    /// <summary>Everything after DATA, mail by mail.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Mails { get; } = new();

    public void Dispose()
    {
        stop.Cancel();
        listener.Dispose();
        running.Wait(TimeSpan.FromSeconds(5));
        stop.Dispose();
    }

    private async Task Run()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                _ = Talk(await listener.AcceptTcpClientAsync(stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                return;
            }
        }
    }

    private async Task Talk(TcpClient client)
    {
        using (client)
        {
            Interlocked.Increment(ref Conversations);
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.UTF8);
            using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
            try
            {
                if (Recipient is null)
                    await Task.Delay(Timeout.Infinite, stop.Token);
                await writer.WriteLineAsync("220 test");
                while (await reader.ReadLineAsync(stop.Token) is { } line)
                    await Answer(line, reader, writer);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // The conversation is over.
            }
        }
    }

    private async Task Answer(string line, StreamReader reader, StreamWriter writer)
    {
        var verb = line.Split(' ')[0].ToUpperInvariant();
        if (verb == "DATA")
        {
            await writer.WriteLineAsync("354 go on");
            var mail = new StringBuilder();
            while (await reader.ReadLineAsync(stop.Token) is { } content && content != ".")
                mail.AppendLine(content);
            Mails.Enqueue(mail.ToString());
        }

        await writer.WriteLineAsync(verb switch { "RCPT" => Recipient, "QUIT" => "221 bye", _ => "250 fine" });
    }
}
