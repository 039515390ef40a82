using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Kernel;

/// <summary>How the Host takes in the kernel and the modules.</summary>
public static class ModuleExtensions
{
    /// <summary>
    /// Adds the request pipeline, the caller, the clock, the options of <c>Auth:*</c>, the rate limits and the pieces of
    /// the wire protocol. Needs an <see cref="IConfiguration"/> and a host environment in the container, as every host has.
    /// </summary>
    public static IServiceCollection AddKernel(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddScoped<Caller>();
        services.TryAddScoped<IMediator>(provider => new Mediator(provider.GetService));

        // Outermost first.
        services.TryAddEnumerable(ServiceDescriptor.Scoped(typeof(IPipelineBehavior<,>), typeof(ValidationBehaviour<,>)));
        // Inside validation, so that a malformed command opens nothing.
        services.TryAddEnumerable(ServiceDescriptor.Scoped(typeof(IPipelineBehavior<,>), typeof(UnitOfWorkBehaviour<,>)));
        services.TryAddScoped<Refusals>();

        services.AddOptions<AuthOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuthOptions>, AuthOptionsValidation>());
        services.AddOptions<AdapterOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AdapterOptions>, AdapterOptionsValidation>());
        services.TryAddSingleton<AdapterGate>();
        services.TryAddSingleton<AuthTrace>();
        services.AddSingleton<ICommitWitness>(provider => provider.GetRequiredService<AuthTrace>());
        services.TryAddSingleton<RefusedRequests>();
        services.TryAddSingleton<PublicAddress>();
        services.TryAddSingleton<TrustedUrls>();
        services.TryAddSingleton<SignedCookies>();
        services.TryAddSingleton<DeviceCookies>();
        services.TryAddSingleton<LastLoginMethod>();
        services.TryAddSingleton<SessionCookies>();
        return services.AddProblems().AddWireDescriptions().AddRateLimiting();
    }

    /// <summary>
    /// Calls <see cref="IModule.AddServices"/> and registers every request handler, validator and
    /// <see cref="ICarterModule"/> of the module's assembly, internal and nested ones too.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// Two handlers for one request, or a validator for a request whose answer cannot carry a <see cref="Refusal"/>.
    /// </exception>
    public static IServiceCollection AddModule(this IServiceCollection services, IModule module, IConfiguration configuration)
    {
        module.AddServices(services, configuration);
        foreach (var type in module.GetType().Assembly.GetTypes().Where(type => type is { IsAbstract: false, IsInterface: false, ContainsGenericParameters: false }))
        {
            if (typeof(ICarterModule).IsAssignableFrom(type))
                services.TryAddEnumerable(ServiceDescriptor.Singleton(typeof(ICarterModule), type));
            foreach (var handled in GenericInterfaces(type, typeof(IRequestHandler<,>)))
                AddHandler(services, handled, type);
            foreach (var validated in GenericInterfaces(type, typeof(IValidator<>)))
                services.TryAddEnumerable(ServiceDescriptor.Scoped(validated, type));
        }

        RefuseUnanswerableValidators(services);
        return services;
    }

    /// <summary>Maps the routes of these modules, and 404 with an empty body for everything else below <c>/api/auth</c>.</summary>
    public static IEndpointRouteBuilder MapEndpoints(this IEndpointRouteBuilder app, IEnumerable<IModule> modules)
    {
        var assemblies = modules.Select(module => module.GetType().Assembly).ToHashSet();
        foreach (var routes in app.ServiceProvider.GetServices<ICarterModule>().Where(routes => assemblies.Contains(routes.GetType().Assembly)))
            routes.AddRoutes(app);
        app.MapAuthNotFound();
        return app;
    }

    private static void AddHandler(IServiceCollection services, Type handled, Type type)
    {
        var other = services.FirstOrDefault(known => known.ServiceType == handled)?.ImplementationType;
        if (other is not null && other != type)
            throw new InvalidOperationException($"{handled.GenericTypeArguments[0]} has two handlers: {other} and {type}.");
        services.TryAddScoped(handled, type);
    }

    private static void RefuseUnanswerableValidators(IServiceCollection services)
    {
        var validated = services
            .Where(service => service.ServiceType.IsGenericType && service.ServiceType.GetGenericTypeDefinition() == typeof(IValidator<>))
            .ToLookup(service => service.ServiceType.GenericTypeArguments[0], service => service.ImplementationType);
        foreach (var handled in services.Select(service => service.ServiceType)
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IRequestHandler<,>)))
        {
            var (request, answer) = (handled.GenericTypeArguments[0], handled.GenericTypeArguments[1]);
            if (validated.Contains(request) && !typeof(IOutcome).IsAssignableFrom(answer))
                throw new InvalidOperationException($"{validated[request].First()} cannot refuse: {request} is answered by {answer}, not by an Outcome.");
        }
    }

    private static IEnumerable<Type> GenericInterfaces(Type type, Type definition) =>
        type.GetInterfaces().Where(implemented => implemented.IsGenericType && implemented.GetGenericTypeDefinition() == definition);
}
