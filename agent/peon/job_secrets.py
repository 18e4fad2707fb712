"""What must not be read in the log of a job."""

from .protocol.masking import passwords_in


def secret_values(details, token):
    """The values of secret variables, the job's own token, and passwords in the addresses of inputs.

    A server that is older than this agent does not say which variables are secret.
    """
    variables = details["environment_variables"]
    values = [str(variables[name]) for name in details.get("secret_names") or [] if name in variables]
    files = [file for entry in details["inputs"] for file in entry["files"]]
    return values + [token] + passwords_in(file[name] for file in files for name in ("url", "uri"))
