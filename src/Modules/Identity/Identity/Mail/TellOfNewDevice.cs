using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user signed in with a device that is new: they are told by mail (ASVS 5.0 6.3.5).</summary>
internal static class TellOfNewDevice
{
    internal sealed class Handler(IDocumentSession store, IMediator mediator, Mailer mailer, PublicAddress address)
    {
        public async Task Handle(NewDeviceSeen message, CancellationToken ct)
        {
            if (!mailer.IsOn || address.Known is not { } baseUrl || await store.LoadAsync<User>(message.UserId, ct) is not { } user)
                return;
            var origin = await mediator.Send(new DescribeSession(message.SessionId), ct);
            await mailer.SendNotice(
                MailKind.NewDevice, user.Email, baseUrl.ToString(), message.At,
                ("device", origin?.Device ?? "unknown"), ("address", origin?.IpAddress ?? "unknown"));
        }
    }
}
