namespace Modular.Host.Database;

/// <summary>No database to work with. The message is one sentence for whoever starts the Host, and never holds a password.</summary>
internal sealed class DatabaseSetupException(string message, Exception? cause = null) : Exception(message, cause);
