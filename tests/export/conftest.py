# SPDX-License-Identifier: Apache-2.0
import logging

# PyTorch traces an export in detail once anybody listens, as pytest does.
logging.getLogger("torch.__trace").propagate = False
