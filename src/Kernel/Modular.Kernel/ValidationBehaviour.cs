using FluentValidation;
using MediatR;

namespace Modular.Kernel;

/// <summary>
/// Runs every validator of the request before its handler, however the request arrived: HTTP, queue or another module.
/// A failure becomes <see cref="Refusal.Invalid"/>; the handler is not called.
/// </summary>
internal sealed class ValidationBehaviour<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        List<FieldError>? errors = null;
        foreach (var validator in validators)
        {
            var result = await validator.ValidateAsync(request, cancellationToken);
            foreach (var failure in result.Errors)
                (errors ??= []).Add(new(AsWritten(failure.PropertyName), failure.ErrorMessage));
        }

        return errors is null ? await next() : Outcome.Refused<TResponse>(Refusal.Invalid(errors));
    }

    // Commands name members in Pascal case, clients in camel case: "Address.ZipCode" was written "address.zipCode".
    private static string AsWritten(string property) =>
        string.Join('.', property.Split('.').Select(System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName));
}
