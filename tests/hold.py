"""Messages on hold."""

from __future__ import annotations

from classifiers.contract import Silence
from gateway.core.model import MessageState
from gateway.perform import Performed
from tests.world import World, submission


async def hold(world: World, silence: Silence = Silence.TIMEOUT, forwards: bool = True) -> str:
    """A message that is held because the classifier "text" is silent."""
    world.classifiers.silences["text"] = silence
    result = await world.publish(submission(forwards=forwards))
    world.classifiers.silences.clear()
    world.store.journal.clear()
    assert isinstance(result, Performed)
    assert result.state is MessageState.HELD
    return result.message_id
