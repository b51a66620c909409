from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch

from pipeline.choices import Scheduler
from pipeline.engines.diffusion.schedulers import exchanged
from pipeline.errors import InvalidSetting

STEPS = 12


def published() -> Any:
    """The scheduler of I2VGen-XL."""
    return diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="squaredcos_cap_v2",
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
    )


def flow_matching() -> Any:
    """The scheduler of Wan 2.1."""
    return diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)


def pipe(scheduler: Any) -> Any:
    return SimpleNamespace(scheduler=scheduler)


def denoise(scheduler: Any, target: torch.Tensor, *, flow: bool = False) -> torch.Tensor:
    """Sample with the exact prediction for data that is a single picture: every right sampler ends at that picture."""
    scheduler.set_timesteps(STEPS)
    latents = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    if not flow:
        latents = latents * scheduler.init_noise_sigma
    for index, step in enumerate(scheduler.timesteps):
        if flow:
            velocity = (latents - target) / scheduler.sigmas[index]
        else:
            sample = scheduler.scale_model_input(latents, step)
            alpha = published().alphas_cumprod[int(step)]
            noise = (sample - alpha.sqrt() * target) / (1 - alpha).sqrt()
            velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * target
        latents = scheduler.step(velocity, step, latents).prev_sample
    return latents


@pytest.fixture
def target() -> torch.Tensor:
    return torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("scheduler", [each for each in Scheduler if each is not Scheduler.PUBLISHED])
def test_every_sampler_reaches_the_picture_and_is_put_back(scheduler: Scheduler, target: torch.Tensor) -> None:
    original = published()
    holder = pipe(original)
    with exchanged(holder, scheduler):
        assert holder.scheduler is not original
        assert holder.scheduler.config.prediction_type == "v_prediction"
        assert (denoise(holder.scheduler, target) - target).abs().max() < 2e-3
    assert holder.scheduler is original


def test_the_published_sampler_stays_the_same_object() -> None:
    holder = pipe(original := published())
    with exchanged(holder, Scheduler.PUBLISHED):
        assert holder.scheduler is original
    assert holder.scheduler is original


@pytest.mark.parametrize("scheduler", [Scheduler.DDIM, Scheduler.EULER, Scheduler.DPMPP_2M, Scheduler.UNIPC])
def test_noise_schedule_and_spacing_are_those_of_the_model(scheduler: Scheduler) -> None:
    with exchanged(holder := pipe(published()), scheduler):
        config = holder.scheduler.config
    assert (config.beta_start, config.beta_end, config.beta_schedule) == (0.00085, 0.012, "squaredcos_cap_v2")
    assert (config.rescale_betas_zero_snr, config.steps_offset) == (True, 1)
    # DDIM's own default, which the configuration does not name and other classes do not share
    assert config.timestep_spacing == "leading"


def test_ddim_does_not_clip_latents_of_a_model_published_with_another_sampler() -> None:
    euler = diffusers.EulerDiscreteScheduler(prediction_type="v_prediction")
    with exchanged(holder := pipe(euler), Scheduler.DDIM):
        assert holder.scheduler.config.clip_sample is False


@pytest.mark.parametrize("scheduler", [Scheduler.EULER, Scheduler.DPMPP_2M, Scheduler.UNIPC])
def test_flow_matching_keeps_its_shift_and_reaches_the_picture(scheduler: Scheduler, target: torch.Tensor) -> None:
    holder = pipe(original := flow_matching())
    with exchanged(holder, scheduler):
        config = holder.scheduler.config
        assert config.get("flow_shift", config.get("shift")) == 3.0
        assert (denoise(holder.scheduler, target, flow=True) - target).abs().max() < 2e-3
    assert holder.scheduler is original


def test_a_euler_sampler_of_flow_matching_becomes_another_one() -> None:
    euler = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0)
    with exchanged(holder := pipe(euler), Scheduler.UNIPC):
        config = holder.scheduler.config
        assert (config.flow_shift, config.use_flow_sigmas, config.prediction_type) == (5.0, True, "flow_prediction")


def test_ddim_for_flow_matching_is_one_clear_sentence() -> None:
    holder = pipe(original := flow_matching())
    with pytest.raises(InvalidSetting) as caught, exchanged(holder, Scheduler.DDIM):
        pytest.fail("this sampler does not exist")
    assert str(caught.value) == (
        "animate.scheduler: 'ddim' does not exist for models of flow matching; "
        "choose one of published, euler, dpmpp_2m, unipc."
    )
    assert holder.scheduler is original


def test_the_sampler_is_put_back_after_an_error() -> None:
    holder = pipe(original := published())
    with pytest.raises(RuntimeError, match="no memory"), exchanged(holder, Scheduler.EULER):
        raise RuntimeError("no memory")
    assert holder.scheduler is original
