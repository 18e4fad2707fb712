"""Before a job begins on a disk that is nearly full: caches go, then images that no container uses."""

import logging
import shutil

from peon.sizes import size_text

logger = logging.getLogger(__name__)


def relieve(directory, free_min, cache, runtime, say):
    """Remove what is only kept to be quick, the oldest first, until `free_min` of the disk is free; say what was removed."""
    usage = shutil.disk_usage(directory)
    wanted = free_min.bytes_of(usage.total)
    if usage.free >= wanted:
        return
    say(
        "disk: {} free of {}, less than DISK_FREE_MIN ({})".format(
            size_text(usage.free), size_text(usage.total), free_min
        )
    )
    removed = cache.shed(wanted - usage.free)
    if removed:
        say("disk: removed {} of this worker's cache".format(size_text(removed)))
    if shutil.disk_usage(directory).free < wanted:
        _remove_images(runtime, say)
    free = shutil.disk_usage(directory).free
    if free < wanted:
        say("disk: {} free; nothing more can be removed".format(size_text(free)))


def _remove_images(runtime, say):
    names, removed = runtime.remove_unused_images()
    if names:
        say(
            "disk: removed {} of images that no container uses: {}".format(
                size_text(removed), ", ".join(names)
            )
        )
