"""The paper's MNIST InfoGAN in PyTorch, for comparison: as people write it, and tuned.

As people write it: float32, eager, contiguous layout; the generator's and Q's step also computes gradients of the
shared trunk that nobody uses. Tuned: channels_last, bfloat16 autocast, torch.compile, and no unused gradients.
"""

from __future__ import annotations

import copy
import itertools
import math

import torch
from torch import nn
from torch.nn import functional

NOISE_SIZE, CLASSES, STYLES = 62, 10, 2


class Generator(nn.Sequential):
    """[n, noise + code] -> [n, 1, 28, 28] in [0, 1]."""

    def __init__(self):
        super().__init__(
            nn.Linear(NOISE_SIZE + CLASSES + STYLES, 1024, bias=False),
            nn.BatchNorm1d(1024),
            nn.ReLU(True),
            nn.Linear(1024, 128 * 7 * 7, bias=False),
            nn.BatchNorm1d(128 * 7 * 7),
            nn.ReLU(True),
            nn.Unflatten(1, (128, 7, 7)),
            nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(True),
            nn.ConvTranspose2d(64, 1, 4, 2, 1),
            nn.Sigmoid(),
        )


class Trunk(nn.Sequential):
    """[n, 1, 28, 28] -> [n, 1024]; D and Q share it."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 64, 4, 2, 1),
            nn.LeakyReLU(0.1, True),
            nn.Conv2d(64, 128, 4, 2, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.1, True),
            nn.Flatten(),
            nn.Linear(128 * 7 * 7, 1024, bias=False),
            nn.BatchNorm1d(1024),
            nn.LeakyReLU(0.1, True),
        )


class PosteriorHead(nn.Sequential):
    """[n, 1024] -> logits, means and log standard deviations."""

    def __init__(self):
        super().__init__(
            nn.Linear(1024, 128, bias=False),
            nn.BatchNorm1d(128),
            nn.LeakyReLU(0.1, True),
            nn.Linear(128, CLASSES + 2 * STYLES),
        )


class Trainer:
    """Networks, optimizers and one training step on [n, 1, 28, 28] images in [0, 1].

    Args:
        tuned: See the module's docstring.
        discriminator_rate: Adam's learning rate for the trunk and D's head.
        generator_rate: Adam's learning rate for G and Q's head.
    """

    def __init__(self, tuned: bool, discriminator_rate: float = 2e-4, generator_rate: float = 1e-3):
        self.tuned = tuned
        self.generator, self.trunk, self.posterior_head = Generator(), Trunk(), PosteriorHead()
        self.discriminator_head = nn.Linear(1024, 1)
        modules = (self.generator, self.trunk, self.discriminator_head, self.posterior_head)
        for module in modules:
            module.apply(_initialise)
            if tuned:
                module.to(memory_format=torch.channels_last)
        self.discriminator_optimizer = torch.optim.Adam(
            itertools.chain(self.trunk.parameters(), self.discriminator_head.parameters()),
            lr=discriminator_rate,
            betas=(0.5, 0.999),
            fused=tuned,
        )
        self.generator_optimizer = torch.optim.Adam(
            itertools.chain(self.generator.parameters(), self.posterior_head.parameters()),
            lr=generator_rate,
            betas=(0.5, 0.999),
            fused=tuned,
        )
        if tuned:
            self.generator, self.trunk = torch.compile(self.generator), torch.compile(self.trunk)

    def step(self, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One update of D, one of G and Q; returns both losses."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.tuned):
            return self._step(real.to(memory_format=torch.channels_last) if self.tuned else real)

    def _step(self, real):
        n = len(real)
        classes = torch.randint(CLASSES, (n,))
        styles = torch.rand(n, STYLES) * 2 - 1
        code = torch.cat([torch.randn(n, NOISE_SIZE), functional.one_hot(classes, CLASSES), styles], 1)
        fake = self.generator(code)

        self.discriminator_optimizer.zero_grad()
        real_logits = self.discriminator_head(self.trunk(real)).float()
        fake_logits = self.discriminator_head(self.trunk(fake.detach())).float()
        d_loss = functional.softplus(-real_logits).mean() + functional.softplus(fake_logits).mean()
        d_loss.backward()
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad()
        if self.tuned:
            self._train_discriminator(False)
        features = self.trunk(fake)
        g_loss = functional.softplus(-self.discriminator_head(features).float()).mean()
        logits, mean, raw = self.posterior_head(features).float().split([CLASSES, STYLES, STYLES], 1)
        stddev = 0.1 + functional.softplus(raw)
        style_loss = (((styles - mean) / stddev) ** 2 / 2 + stddev.log() + math.log(2 * math.pi) / 2).sum(1).mean()
        objective = g_loss + functional.cross_entropy(logits, classes) + 0.1 * style_loss
        objective.backward()
        self.generator_optimizer.step()
        if self.tuned:
            self._train_discriminator(True)
        return d_loss.detach(), g_loss.detach()

    def _train_discriminator(self, wanted: bool) -> None:
        for module in (self.trunk, self.discriminator_head):
            module.requires_grad_(wanted)

    @torch.no_grad()
    def categories(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Argmax Q(c|x) for [n, 1, 28, 28], with the moving statistics of batch normalisation and with a batch's own.

        The moving ones mix real and generated images, which serves Q ill while the two differ.
        """
        state = copy.deepcopy((self.trunk.state_dict(), self.posterior_head.state_dict()))
        answers = []
        for training in (False, True):
            self.trunk.train(training)
            self.posterior_head.train(training)
            logits = torch.cat([self.posterior_head(self.trunk(part))[:, :CLASSES] for part in images.split(500)])
            answers.append(logits.argmax(1))
        self.trunk.load_state_dict(state[0])
        self.posterior_head.load_state_dict(state[1])
        return tuple(answers)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
