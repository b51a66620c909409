"""Listening to the steps of a scheduler."""

import inspect
from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from pipeline.engines.diffusion.stepping import stepping
from pipeline.errors import Cancelled


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerDiscreteScheduler])
def test_every_step_is_heard_with_the_latents_that_it_returned(kind: type) -> None:
    pipe = SimpleNamespace(scheduler=kind())
    pipe.scheduler.set_timesteps(4)
    heard: list[tuple[int, torch.Tensor]] = []
    latents = torch.ones(1, 4, 8, 8)
    with stepping(pipe, lambda done, latents: heard.append((done, latents))):
        for timestep in pipe.scheduler.timesteps:
            latents = pipe.scheduler.step(latents * 0.1, timestep, latents).prev_sample
    assert [done for done, _ in heard] == [1, 2, 3, 4]
    assert torch.equal(heard[-1][1], latents)


def test_the_scheduler_is_as_before_afterwards_and_its_signature_is_seen_meanwhile() -> None:
    pipe = SimpleNamespace(scheduler=DDIMScheduler())
    signature = inspect.signature(pipe.scheduler.step)
    with stepping(pipe, lambda *_: None):
        assert inspect.signature(pipe.scheduler.step) == signature
    assert "step" not in vars(pipe.scheduler)


def test_what_the_listener_raises_ends_the_sampling_and_leaves_nothing_behind() -> None:
    pipe = SimpleNamespace(scheduler=DDIMScheduler())
    pipe.scheduler.set_timesteps(4)

    def stop(done: int, _: torch.Tensor) -> None:
        if done == 2:
            raise Cancelled("The run was stopped.")

    def sample() -> None:
        with stepping(pipe, stop):
            for timestep in pipe.scheduler.timesteps:
                begun.append(int(timestep))
                pipe.scheduler.step(torch.ones(1, 4, 8, 8), timestep, torch.ones(1, 4, 8, 8))

    begun: list[int] = []
    with pytest.raises(Cancelled):
        sample()
    assert len(begun) == 2
    assert "step" not in vars(pipe.scheduler)
