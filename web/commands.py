"""`cis-power web`."""

import click


@click.command()
@click.option("--host", help="Address to listen on; default: the setting `host`.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one; default: the setting `port`.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that serve.")
def web(host: str | None, port: int | None, workers: int) -> None:
    """Serve pages and API; prints its address first."""
    from cis_power.core.config import load_settings
    from cis_power.core.logs import start_logging
    from web.serve import choose_port, serve, url_of

    settings = load_settings()
    settings = settings.model_copy(update={"host": host or settings.host})
    start_logging("web")
    chosen = choose_port(settings.host, settings.port if port is None else port)
    serve(settings, chosen, workers, announce=lambda: click.echo(url_of(settings.host, chosen)))
