"""The whole answer of the carbon stage: from the account of one inference to unit, year and training."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow_idl import CarbonFootprint, MLModel
from hedgerow_nodes.estimators.carbon.components import Components
from hedgerow_nodes.estimators.carbon.explanation import explain, explain_training, explain_unit, explain_year
from hedgerow_nodes.estimators.carbon.footprint import Account
from hedgerow_nodes.estimators.carbon.functional_unit import THOUSAND, FunctionalUnit, inferences_per_unit
from hedgerow_nodes.estimators.carbon.training import Training
from hedgerow_nodes.estimators.devices.energy import kwh
from hedgerow_nodes.estimators.figure import Figure, estimate_of


@dataclass(frozen=True)
class Question:
    """What shall be answered: the account of one inference, and what the user wants to know of it.

    Attributes:
        training: None where nobody asked for it or something is missing; `training_reason` then says what.
        volume: inferences a year; None where nobody said.
        limit_gco2e: the most carbon of one inference, NaN for none.
        remarks: sentences on place, intensity and method.
    """

    account: Account
    components: Components
    model: MLModel
    device: str
    location: str
    unit: FunctionalUnit
    volume: Figure | None
    training: Training | None
    training_reason: str
    limit_gco2e: float
    remarks: tuple[str, ...]


def answer(asked: Question) -> CarbonFootprint:
    """Everything that follows from the account; what is unknown stays so, with its reason in the explanation."""
    account, parts, training = asked.account, asked.components, asked.training
    inferences, rule = inferences_per_unit(asked.unit, asked.model)
    sci = None if inferences is None else account.sci_gco2e(inferences)
    year_kwh, year_gco2e = (None, None) if asked.volume is None else account.per_year(asked.volume)
    metered = Figure(
        account.energy_kwh.interval * account.pue.interval, account.energy_kwh.method, account.energy_kwh.source
    )
    training_kwh = None if training is None else training.of(metered, "joules")
    training_gco2e = None if training is None else training.of(account.carbon_gco2e, "carbon")
    further = (
        parts.remark,
        explain_unit(account, asked.unit, inferences, rule),
        explain_year(asked.volume, year_kwh, year_gco2e),
        explain_training(training, asked.training_reason, training_kwh, training_gco2e),
    )
    remark = " ".join(remark for remark in asked.remarks if remark)
    return CarbonFootprint(
        location=asked.location,
        functional_unit=asked.unit.label,
        energy_kwh=account.energy_kwh.estimate,
        cpu_energy_kwh=estimate_of(_in_kwh(parts.cpu_j)),
        gpu_energy_kwh=estimate_of(_in_kwh(parts.gpu_j)),
        ram_energy_kwh=estimate_of(_in_kwh(parts.ram_j)),
        intensity_g_per_kwh=account.intensity_g_per_kwh.estimate,
        pue=account.pue.estimate,
        operational_gco2e=account.operational_gco2e.estimate,
        embodied_gco2e=estimate_of(account.embodied_gco2e),
        carbon_gco2e=account.carbon_gco2e.estimate,
        sci_gco2e=estimate_of(sci),
        per_thousand_gco2e=account.sci_gco2e(THOUSAND).estimate,
        inferences_per_year=estimate_of(asked.volume),
        energy_per_year_kwh=estimate_of(year_kwh),
        per_year_gco2e=estimate_of(year_gco2e),
        training_energy_kwh=estimate_of(training_kwh),
        training_gco2e=estimate_of(training_gco2e),
        within_limit=account.within_limit(asked.limit_gco2e),
        explanation=explain(
            account, asked.model.chosen, asked.device, asked.location, remark, asked.limit_gco2e, further
        ),
    )


def _in_kwh(joules: Figure | None) -> Figure | None:
    return None if joules is None else Figure(kwh(joules.interval), joules.method, joules.source)
