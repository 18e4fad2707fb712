"""What must not be read in the log of a job."""

from urllib.parse import unquote, urlsplit


def secret_values(details, token):
    """The values of secret variables, the job's own token, and passwords in the addresses of inputs.

    A server that is older than this agent does not say which variables are secret.
    """
    variables = details["environment_variables"]
    values = [str(variables[name]) for name in details.get("secret_names") or [] if name in variables]
    return values + [token] + sorted(_passwords(details["inputs"]))


def _passwords(inputs):
    found = set()
    for entry in inputs:
        for file in entry["files"]:
            for url in (file["url"], file["uri"]):
                password = _password(url)
                found.update((password, unquote(password)))
    return found


def _password(url):
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""  # no address at all; the download says so
